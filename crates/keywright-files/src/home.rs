//! A person's own folders.

use std::path::PathBuf;

/// The folder that an XDG variable names, or its default below the home folder; on Windows `LOCALAPPDATA`. `None` if there is no
/// home folder.
pub fn base_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let windows = || if cfg!(windows) { absolute("LOCALAPPDATA") } else { None };
    // The specification wants relative paths ignored.
    absolute(variable).or_else(windows).or_else(|| absolute("HOME").map(|home| home.join(below_home)))
}
