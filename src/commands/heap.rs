//! What the allocator does with memory that was freed.

/// Has glibc take large pieces of memory from the system, and keep the rest of what is freed: while a log is read, tables and lists
/// grow, and what one gives back the next one takes.
pub fn read() {
    // Pieces of lists lie alone: see `Pieces` in the library.
    tell(Setting::LargeFrom, 2 << 20);
    tell(Setting::KeepFree, 64 << 20);
}

/// Has every larger piece of memory given back to the system as soon as it is free, from now on.
///
/// glibc takes larger and larger pieces from its heaps once such were freed, and there they leave holes between what lives on.
/// After reading, when tables and buffers are gone and the audit makes its lists, that is much: with this, a report of 2 GB of log
/// takes 106 instead of 114 MiB, one of 2 GB of a thousand users 89 instead of 109. It takes no longer that could be measured; from
/// the beginning on it would, by 4 to 11 %, since pages that were given back have to be made again. Other allocators are left alone.
pub fn give_back() {
    tell(Setting::LargeFrom, 256 << 10);
    // Well above what one piece below that takes with glibc's padding: where a heap is not in one piece, glibc 2.36 would give
    // back what it has just taken, and say that there is no memory.
    tell(Setting::KeepFree, 1 << 20);
}

/// What glibc can be told.
#[derive(Clone, Copy)]
enum Setting {
    /// From so many bytes on, memory comes from the system, and goes back there.
    LargeFrom,
    /// So many free bytes at a heap's end are kept.
    KeepFree,
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn tell(setting: Setting, bytes: libc::c_int) {
    let setting = match setting {
        Setting::LargeFrom => libc::M_MMAP_THRESHOLD,
        Setting::KeepFree => libc::M_TRIM_THRESHOLD,
    };
    // SAFETY: it sets a number under glibc's own lock, at any time and from any thread, and touches no memory of ours. It may refuse,
    // and then all stays as it was.
    #[expect(unsafe_code, reason = "glibc is told in no other way, once it runs")]
    unsafe {
        libc::mallopt(setting, bytes);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn tell(_: Setting, _: i32) {}
