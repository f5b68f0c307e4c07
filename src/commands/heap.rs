//! What the allocator does with memory that was freed.

/// Has every larger piece of memory given back to the system as soon as it is free, from now on.
///
/// glibc takes larger and larger pieces from its heaps once such were freed, and there they leave holes between what lives on.
/// That is much where tables grow, and where the audit makes its lists. What is free at a heap's end is kept, for that is soon
/// taken again. Other allocators are left alone.
pub fn give_back() {
    tell(Setting::LargeFrom, 256 << 10);
    // More than one piece below that takes with glibc's padding. By itself it keeps 128 KiB once it was told the other thing; and where
    // a heap is not in one, glibc 2.36 gave back what it had just taken, and said that there is no memory, with 256 KiB.
    tell(Setting::KeepFree, 2 << 20);
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
