//! What others may see of this process: its memory is not for debuggers of the same account, not for core files, and, where the
//! system allows it, not for the swap space.
//!
//! It refuses to lock pages where the system would later refuse memory for it: a run that ends in the middle of a key for want of
//! memory is worse. What the system does not tell is said to be unknown.

/// What keeps this process's memory to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// Whether others of this account may read the memory (a debugger, `/proc/PID/mem`); `None` if the system does not tell.
    pub readable: Option<bool>,
    /// Whether a crash writes the memory to disk.
    pub dumped: Option<bool>,
    /// Whether pages may be written to the swap space.
    pub swapped: Swapped,
}

/// Whether pages of memory may be written to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swapped {
    /// They are locked.
    Locked,
    /// There is no swap space. Sleep to disk would need one.
    NoSwap,
    /// There is a swap space, and this account may not lock all its memory.
    Possible,
    /// The system does not tell.
    CannotTell,
}

/// Protects this process; to be called before it has secrets. What the system does not allow is left, and told by
/// [`protection`].
pub fn protect() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        let _ = setrlimit(Resource::Core, none);
    }
    #[cfg(target_os = "linux")]
    linux::protect();
}

/// How this process is protected.
pub fn protection() -> Protection {
    #[cfg(unix)]
    let dumped = Some(rustix::process::getrlimit(rustix::process::Resource::Core).current != Some(0));
    #[cfg(not(unix))]
    let dumped = None;
    #[cfg(target_os = "linux")]
    let (readable, swapped) = (linux::readable(), linux::swapped());
    #[cfg(not(target_os = "linux"))]
    let (readable, swapped) = (None, Swapped::CannotTell);
    Protection { readable, dumped, swapped }
}

#[cfg(target_os = "linux")]
mod linux {
    use rustix::mm::{MlockAllFlags, mlockall};
    use rustix::process::{
        DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior, setrlimit,
    };
    use rustix::thread::{CapabilitySet, capabilities};

    use super::Swapped;

    pub(super) fn protect() {
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        if may_lock_all() {
            // Pages that are never touched are never brought in for it.
            let all = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
            let _ = mlockall(all);
        }
    }

    /// Whether no later allocation can fail because of locked pages.
    fn may_lock_all() -> bool {
        let limit = getrlimit(Resource::Memlock);
        if limit.maximum.is_none() && limit.current.is_some() {
            let _ = setrlimit(Resource::Memlock, Rlimit { current: None, maximum: None });
        }
        let unlimited = getrlimit(Resource::Memlock).current.is_none();
        unlimited || capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK))
    }

    pub(super) fn readable() -> Option<bool> {
        dumpable_behavior().ok().map(|behaviour| behaviour == DumpableBehavior::Dumpable)
    }

    pub(super) fn swapped() -> Swapped {
        let read = |file| std::fs::read_to_string(file).ok();
        let locked = read("/proc/self/status").and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("VmLck:"))?;
            line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        });
        // Its first line is a heading.
        let spaces = read("/proc/swaps").map(|swaps| swaps.lines().skip(1).count());
        match (locked, spaces) {
            (Some(1..), _) => Swapped::Locked,
            (_, Some(0)) => Swapped::NoSwap,
            (Some(0), Some(_)) => Swapped::Possible,
            _ => Swapped::CannotTell,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_was_protected_says_so() {
        protect();
        let protection = protection();
        if cfg!(unix) {
            assert_eq!(protection.dumped, Some(false));
        }
        if cfg!(target_os = "linux") {
            assert_eq!(protection.readable, Some(false));
            assert_ne!(protection.swapped, Swapped::CannotTell);
        }
    }
}
