//! Keys on this machine's USB buses, through hidapi.
