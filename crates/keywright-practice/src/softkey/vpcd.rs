//! Soft cards in the virtual reader of vsmartcard, vpcd: every program on the machine sees them through PC/SC.
//!
//! vpcd listens on a TCP port of loopback for each slot; whoever connects is the card in it. Each message has two bytes of length; one
//! of a single byte is about power, any other is an APDU. It refuses to leave the machine.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::thread::JoinHandle;

use super::card::SoftCard;

/// The port of vpcd's first slot, as Debian sets it up.
pub const FIRST_PORT: u16 = 0x8C7B;

const OFF: u8 = 0;
const ON: u8 = 1;
const RESET: u8 = 2;
const ATR: u8 = 4;

/// A card that lies in a reader until this is dropped.
pub struct Inserted {
    line: TcpStream,
    carrier: Option<JoinHandle<()>>,
}

/// Lays the card into the slot that listens on this port.
pub fn insert(card: SoftCard, port: u16) -> io::Result<Inserted> {
    let line = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    line.set_nodelay(true)?;
    let reader = line.try_clone()?;
    let carrier = std::thread::Builder::new().name(format!("card {port}")).spawn(move || {
        if let Err(error) = carry(card, reader)
            && !matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
        {
            tracing::warn!("vpcd on port {port}: {error}");
        }
    })?;
    Ok(Inserted { line, carrier: Some(carrier) })
}

impl Drop for Inserted {
    /// Takes it out. What the card was doing then is its own.
    fn drop(&mut self) {
        // It fails if the reader has gone already.
        let _ = self.line.shutdown(Shutdown::Both);
        if let Some(carrier) = self.carrier.take()
            && carrier.join().is_err()
        {
            tracing::error!("what carries a soft card's APDUs panicked");
        }
    }
}

fn carry(mut card: SoftCard, mut line: TcpStream) -> io::Result<()> {
    loop {
        let mut length = [0; 2];
        line.read_exact(&mut length)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        line.read_exact(&mut message)?;
        let answer = match message[..] {
            [OFF | RESET] => {
                card.power_cycle();
                continue;
            }
            [ON] => continue,
            [ATR] => card.atr(),
            _ => card.respond(&message),
        };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?.to_be_bytes();
        line.write_all(&[&length, &answer[..]].concat())?;
    }
}
