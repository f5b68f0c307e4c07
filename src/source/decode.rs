//! From the bytes on the disk to text: compression and encoding, recognised by content and never by name.

use super::ahead::Ahead;
use super::plain::Plain;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

/// A stream of bytes that any thread may read.
pub type Reader = Box<dyn Read + Send>;

/// Compressed bytes read at a time.
const CHUNK: usize = 256 << 10;

/// Memory that an xz file may ask for; its highest setting needs a quarter of that. zstd has such a limit by itself.
const XZ_MEMORY: u64 = 256 << 20;

/// No mark of a compression or an encoding is longer.
const MARK: usize = 10;

/// A way of compressing.
struct Compression {
    name: &'static str,
    /// Whether it begins so.
    is: fn(&[u8]) -> bool,
    /// All members, frames and streams of it, one after the other.
    open: fn(BufReader<Reader>) -> io::Result<Reader>,
}

static COMPRESSIONS: &[Compression] = &[
    Compression {
        name: "gzip",
        is: |mark| mark.starts_with(b"\x1f\x8b\x08"),
        open: |from| Ok(Box::new(flate2::bufread::MultiGzDecoder::new(from))),
    },
    Compression {
        name: "zstd",
        // A frame, or one to be skipped, as parallel compressors put in front.
        is: |mark| {
            mark.starts_with(b"\x28\xb5\x2f\xfd") || matches!(mark, [0x50..=0x5f, b'\x2a', b'\x4d', b'\x18', ..])
        },
        open: |from| Ok(Box::new(zstd::stream::read::Decoder::with_buffer(from)?)),
    },
    Compression {
        name: "bzip2",
        // With the beginning of a block, or of the end of an empty one.
        is: |mark| {
            matches!(mark, [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..]
                if rest.starts_with(b"\x31\x41\x59\x26\x53\x59") || rest.starts_with(b"\x17\x72\x45\x38\x50\x90"))
        },
        open: |from| Ok(Box::new(bzip2::bufread::MultiBzDecoder::new(from))),
    },
    Compression {
        name: "xz",
        is: |mark| mark.starts_with(b"\xfd7zXZ\0"),
        open: |from| {
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)?;
            Ok(Box::new(liblzma::bufread::XzDecoder::new_stream(from, stream)))
        },
    },
];

/// A source's text, and how it is stored.
pub struct Opened {
    /// The text. Where a byte order mark says UTF-16, it comes as UTF-8.
    pub reader: Reader,
    /// `gzip`, `zstd`, `bzip2` or `xz`; `None` if it is not compressed.
    pub compression: Option<&'static str>,
    /// `utf-16le` or `utf-16be`; `None` for what needs no conversion.
    pub encoding: Option<&'static str>,
    /// The file, if the text stands in it as it is.
    pub plain: Option<Arc<Plain>>,
}

/// Opens what `raw` holds. A failure to read comes when the text is read, behind what came before it.
///
/// # Errors
/// If a decompressor, or the thread that it runs on, cannot be set up.
pub fn decode(raw: Reader) -> io::Result<Opened> {
    let raw = Peeked::new(raw);
    let Some(compression) = COMPRESSIONS.iter().find(|known| (known.is)(&raw.mark)) else {
        let (reader, encoding) = text(raw);
        return Ok(Opened { reader, compression: None, encoding, plain: None });
    };
    let inflated = (compression.open)(BufReader::with_capacity(CHUNK, Box::new(raw)))?;
    let (reader, encoding) = text(Peeked::new(inflated));
    let reader = Box::new(Ahead::new(reader)?);
    Ok(Opened { reader, compression: Some(compression.name), encoding, plain: None })
}

fn text(from: Peeked) -> (Reader, Option<&'static str>) {
    match from.mark[..] {
        [0xff, 0xfe, ..] => (Box::new(Utf16::new(from, u16::from_le_bytes)), Some("utf-16le")),
        [0xfe, 0xff, ..] => (Box::new(Utf16::new(from, u16::from_be_bytes)), Some("utf-16be")),
        _ => (Box::new(from), None),
    }
}

/// A stream of which the first bytes are known already.
struct Peeked {
    mark: Vec<u8>,
    given: usize,
    /// What went wrong while they were read.
    error: Option<io::Error>,
    rest: Reader,
}

impl Peeked {
    fn new(mut rest: Reader) -> Peeked {
        let mut mark = Vec::new();
        let error = rest.by_ref().take(MARK as u64).read_to_end(&mut mark).err();
        Peeked { mark, given: 0, error, rest }
    }
}

impl Read for Peeked {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given < self.mark.len() {
            let got = (&self.mark[self.given..]).read(buf)?;
            self.given += got;
            return Ok(got);
        }
        match self.error.take() {
            Some(error) => Err(error),
            None => self.rest.read(buf),
        }
    }
}

/// UTF-16 behind its byte order mark, as UTF-8. What is no character becomes U+FFFD.
struct Utf16 {
    from: BufReader<Peeked>,
    unit: fn([u8; 2]) -> u16,
    /// The first half of a unit, or of a pair of them.
    half: Option<u8>,
    high: Option<u16>,
    text: String,
    given: usize,
}

impl Utf16 {
    fn new(mut from: Peeked, unit: fn([u8; 2]) -> u16) -> Utf16 {
        from.given = 2;
        Utf16 {
            from: BufReader::with_capacity(CHUNK, from),
            unit,
            half: None,
            high: None,
            text: String::new(),
            given: 0,
        }
    }

    fn convert(&mut self) -> io::Result<()> {
        let bytes = self.from.fill_buf()?;
        let read = bytes.len();
        let whole = self.half.take().into_iter().chain(bytes.iter().copied()).collect::<Vec<u8>>();
        let pairs = whole.chunks_exact(2);
        self.half = pairs.remainder().first().copied();
        let mut units: Vec<u16> = self.high.take().into_iter().collect();
        units.extend(pairs.map(|pair| (self.unit)([pair[0], pair[1]])));
        if read > 0 {
            self.high = units.pop_if(|last| (0xd800..0xdc00).contains(last));
        } else if self.half.take().is_some() {
            units.push(0xfffd);
        }
        self.text.clear();
        self.text.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        self.given = 0;
        self.from.consume(read);
        Ok(())
    }
}

impl Read for Utf16 {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            self.convert()?;
            if self.text.is_empty() && self.half.is_none() && self.high.is_none() {
                return Ok(0);
            }
        }
        let got = (&self.text.as_bytes()[self.given..]).read(buf)?;
        self.given += got;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out its bytes one at a time.
    struct Drops(std::vec::IntoIter<u8>);

    impl Read for Drops {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            match (buf.first_mut(), self.0.next()) {
                (Some(place), Some(byte)) => {
                    *place = byte;
                    Ok(1)
                }
                _ => Ok(0),
            }
        }
    }

    #[test]
    fn utf_16_is_read_in_whatever_pieces_it_comes() {
        let text = "GET /k/announce \u{e9}\u{1f600}\r\n";
        for (bytes, name) in [
            (text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(), "utf-16le"),
            (text.encode_utf16().flat_map(u16::to_be_bytes).collect(), "utf-16be"),
        ] {
            let mark: &[u8] = if name == "utf-16le" { b"\xff\xfe" } else { b"\xfe\xff" };
            for (end, expected) in [(&b""[..], text.to_owned()), (b"\xd8\xd8\x01", format!("{text}\u{fffd}\u{fffd}"))] {
                let stored = [mark, &bytes, end].concat();
                let mut opened = decode(Box::new(Drops(stored.into_iter()))).expect("nothing to set up");
                let mut read = String::new();
                opened.reader.read_to_string(&mut read).expect("UTF-8");
                assert_eq!((read, opened.encoding), (expected, Some(name)));
            }
        }
    }

    #[test]
    fn what_only_looks_compressed_for_a_byte_or_two_is_text() {
        for text in [&b""[..], b"\x1f", b"\x1f\x8b", b"BZh9 is not it", b"\xff", b"P*M\n"] {
            let mut opened = decode(Box::new(io::Cursor::new(text.to_vec()))).expect("nothing to set up");
            let mut read = Vec::new();
            opened.reader.read_to_end(&mut read).expect("memory");
            assert_eq!((read.as_slice(), opened.compression), (text, None));
        }
    }
}
