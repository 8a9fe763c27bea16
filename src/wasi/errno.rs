//! The error numbers of preview 1, and how the host's errors map onto them.
//!
//! A host error without a number of its own comes from the sandbox (a path that leaves its directory is
//! `PermissionDenied`) and is judged by its kind; anything that has no counterpart is `Io`.

use std::{fmt, io};

macro_rules! errno {
    ($($code:literal $name:ident $($host:ident)? $text:literal)*) => {
        /// The result of a preview 1 function, as the guest sees it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Errno {
            $(#[doc = $text] $name = $code,)*
        }

        impl fmt::Display for Errno {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Errno::$name => $text,)* })
            }
        }

        impl From<rustix::io::Errno> for Errno {
            fn from(host: rustix::io::Errno) -> Self {
                $($(if host == rustix::io::Errno::$host { return Errno::$name; })?)*
                Errno::Io
            }
        }
    };
}

errno! {
    0 Success "success"
    1 TooBig TOOBIG "argument list too long"
    2 Acces ACCESS "permission denied"
    3 Addrinuse ADDRINUSE "address in use"
    4 Addrnotavail ADDRNOTAVAIL "address not available"
    5 Afnosupport AFNOSUPPORT "address family not supported"
    6 Again AGAIN "resource unavailable, try again"
    7 Already ALREADY "connection already in progress"
    8 Badf BADF "bad file descriptor"
    9 Badmsg BADMSG "bad message"
    10 Busy BUSY "device or resource busy"
    11 Canceled CANCELED "operation canceled"
    12 Child CHILD "no child processes"
    13 Connaborted CONNABORTED "connection aborted"
    14 Connrefused CONNREFUSED "connection refused"
    15 Connreset CONNRESET "connection reset"
    16 Deadlk DEADLK "resource deadlock would occur"
    17 Destaddrreq DESTADDRREQ "destination address required"
    18 Dom DOM "mathematics argument out of domain"
    19 Dquot DQUOT "quota exceeded"
    20 Exist EXIST "file exists"
    21 Fault FAULT "bad address"
    22 Fbig FBIG "file too large"
    23 Hostunreach HOSTUNREACH "host is unreachable"
    24 Idrm IDRM "identifier removed"
    25 Ilseq ILSEQ "illegal byte sequence"
    26 Inprogress INPROGRESS "operation in progress"
    27 Intr INTR "interrupted function"
    28 Inval INVAL "invalid argument"
    29 Io IO "input or output error"
    30 Isconn ISCONN "socket is connected"
    31 Isdir ISDIR "is a directory"
    32 Loop LOOP "too many levels of symbolic links"
    33 Mfile MFILE "too many open descriptors"
    34 Mlink MLINK "too many links"
    35 Msgsize MSGSIZE "message too large"
    36 Multihop MULTIHOP "multihop attempted"
    37 Nametoolong NAMETOOLONG "file name too long"
    38 Netdown NETDOWN "network is down"
    39 Netreset NETRESET "connection aborted by network"
    40 Netunreach NETUNREACH "network unreachable"
    41 Nfile NFILE "too many files open in system"
    42 Nobufs NOBUFS "no buffer space available"
    43 Nodev NODEV "no such device"
    44 Noent NOENT "no such file or directory"
    45 Noexec NOEXEC "executable file format error"
    46 Nolck NOLCK "no locks available"
    47 Nolink NOLINK "link has been severed"
    48 Nomem NOMEM "not enough memory"
    49 Nomsg NOMSG "no message of the desired type"
    50 Noprotoopt NOPROTOOPT "protocol not available"
    51 Nospc NOSPC "no space left on device"
    52 Nosys NOSYS "function not supported"
    53 Notconn NOTCONN "socket is not connected"
    54 Notdir NOTDIR "not a directory"
    55 Notempty NOTEMPTY "directory not empty"
    56 Notrecoverable NOTRECOVERABLE "state not recoverable"
    57 Notsock NOTSOCK "not a socket"
    58 Notsup NOTSUP "not supported"
    59 Notty NOTTY "inappropriate device control operation"
    60 Nxio NXIO "no such device or address"
    61 Overflow OVERFLOW "value too large for its type"
    62 Ownerdead OWNERDEAD "previous owner died"
    63 Perm PERM "operation not permitted"
    64 Pipe PIPE "broken pipe"
    65 Proto PROTO "protocol error"
    66 Protonosupport PROTONOSUPPORT "protocol not supported"
    67 Prototype PROTOTYPE "protocol wrong type for socket"
    68 Range RANGE "result too large"
    69 Rofs ROFS "read-only file system"
    70 Spipe SPIPE "invalid seek"
    71 Srch SRCH "no such process"
    72 Stale STALE "stale file handle"
    73 Timedout TIMEDOUT "connection timed out"
    74 Txtbsy TXTBSY "text file busy"
    75 Xdev XDEV "cross-device link"
    76 Notcapable "capabilities insufficient"
}

impl std::error::Error for Errno {}

impl From<&io::Error> for Errno {
    fn from(error: &io::Error) -> Self {
        if let Some(host) = rustix::io::Errno::from_io_error(error) {
            return host.into();
        }
        match error.kind() {
            io::ErrorKind::NotFound => Errno::Noent,
            io::ErrorKind::PermissionDenied => Errno::Perm,
            io::ErrorKind::AlreadyExists => Errno::Exist,
            io::ErrorKind::InvalidInput => Errno::Inval,
            io::ErrorKind::WouldBlock => Errno::Again,
            io::ErrorKind::BrokenPipe => Errno::Pipe,
            io::ErrorKind::StorageFull => Errno::Nospc,
            io::ErrorKind::Interrupted => Errno::Intr,
            _ => Errno::Io,
        }
    }
}
