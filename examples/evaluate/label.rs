//! What is true of each user, as far as the log shows it.

use crate::honest::Odd;
use crate::ways::Way;
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

/// Bytes that one session claims in the log and really moved meanwhile.
#[derive(Default)]
pub struct Tally {
    open: bool,
    told_first: u64,
    told_most: u64,
    real_first: u64,
    real_last: u64,
}

impl Tally {
    /// Whether the session has been seen.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Takes note of a line that the tracker took: what it says was uploaded, and what was.
    pub fn see(&mut self, begins: bool, told: u64, real: u64, truth: &mut Truth) {
        if !self.open || begins && told < self.told_most {
            self.close(truth);
            *self = Tally { open: true, told_first: told, told_most: told, real_first: real, real_last: real };
        }
        self.told_most = self.told_most.max(told);
        self.real_last = self.real_last.max(real);
    }

    /// The session is over, or the log is.
    pub fn close(&mut self, truth: &mut Truth) {
        let real = self.real_last - self.real_first;
        truth.real += real;
        truth.faked += (self.told_most - self.told_first).saturating_sub(real);
        *self = Tally::default();
    }
}

/// What is true of a user.
#[derive(Default)]
pub struct Truth {
    pub faked: u64,
    pub real: u64,
    pub lines: u64,
    /// A line came from a program that is not what it says.
    pub spoofed: bool,
    pub tool: &'static str,
    odd: u32,
}

impl Truth {
    pub fn note(&mut self, odd: Odd) {
        self.odd |= 1 << odd as u32;
    }
}

/// A line of the label file.
#[derive(Clone, Serialize, Deserialize)]
pub struct Label {
    pub user: String,
    pub way: String,
    /// The program used for it.
    pub tool: String,
    /// Bytes claimed in the log beyond those really uploaded.
    pub faked: u64,
    /// Bytes really uploaded, as far as the log shows.
    pub real: u64,
    pub spoofed: bool,
    pub oddities: Vec<String>,
    pub lines: u64,
}

impl World {
    /// What is true of every user who is in the log.
    pub fn labels(&mut self) -> Vec<Label> {
        for peer in &mut self.peers {
            let user = self.machines[peer.machine as usize].user;
            peer.tally.close(&mut self.users[user as usize].truth);
        }
        let honest = |user: &&crate::world::User| user.way == Way::Honest;
        assert!(
            self.users.iter().filter(honest).all(|user| user.truth.faked == 0),
            "an honest user told more than true"
        );
        let there = self.users.iter().filter(|user| user.truth.lines > 0);
        there
            .map(|user| Label {
                user: String::from_utf8_lossy(&user.passkey).into_owned(),
                way: user.way.name().to_owned(),
                tool: user.truth.tool.to_owned(),
                faked: user.truth.faked,
                real: user.truth.real,
                spoofed: user.truth.spoofed,
                oddities: Odd::ALL
                    .iter()
                    .filter(|(odd, _)| user.truth.odd & 1 << *odd as u32 != 0)
                    .map(|(_, name)| (*name).to_owned())
                    .collect(),
                lines: user.truth.lines,
            })
            .collect()
    }
}

/// Writes labels, one a line.
pub fn write(labels: &[Label], out: &mut impl Write) -> io::Result<()> {
    for label in labels {
        serde_json::to_writer(&mut *out, label)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
