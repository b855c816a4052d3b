//! What fuzzing runs: arbitrary bytes in, an error when something that always holds does not. Beside cargo-fuzz (`fuzz/`) a test runs these
//! over the kept corpus and over mutations of it.

use std::io;

use crate::message::{
    Command, Frame, Reply, read_frame, write_arrivals, write_departures, write_file, write_message, write_recording, write_stream,
};
use crate::recording::Recording;

/// What comes over the stream between the binary and an agent, from either side: a frame that is read and written again is the same
/// frame, a file's name stays within its folder, and a message that is understood is understood again.
///
/// # Errors
/// What does not hold.
pub fn stream(bytes: &[u8]) -> Result<(), String> {
    let mut input = bytes;
    let mut recording = Recording::default();
    while let Ok(Some(frame)) = read_frame(&mut input) {
        let mut again = Vec::new();
        write(&mut again, &frame).map_err(|error| format!("{frame:?} cannot be written: {error}"))?;
        match read_frame(&mut again.as_slice()) {
            Ok(Some(other)) if other == frame => {}
            other => return Err(format!("{frame:?} became {other:?}")),
        }
        match frame {
            Frame::Json(text) => {
                understood::<Command>(&text)?;
                understood::<Reply>(&text)?;
            }
            Frame::Recording(block) => {
                let before = recording.len();
                if recording.extend(&block).is_ok() && recording.times().len() < before {
                    return Err("a recording has lost packets".to_owned());
                }
            }
            Frame::File { name, .. } if name.starts_with('/') || name.split('/').any(|part| part == "..") => {
                return Err(format!("{name:?} leads out of its folder"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn write(out: &mut Vec<u8>, frame: &Frame) -> io::Result<()> {
    match frame {
        Frame::Json(text) => {
            // as it came: what it says is looked at by itself
            let length = u32::try_from(text.len() + 1).map_err(io::Error::other)?;
            out.extend(length.to_le_bytes());
            out.push(crate::message::JSON);
            out.extend(text);
            Ok(())
        }
        Frame::Departures(block) => write_departures(out, block),
        Frame::Arrivals(block) => write_arrivals(out, block),
        Frame::Recording(block) => write_recording(out, block),
        Frame::Stream { session, stream, bytes } => write_stream(out, *session, *stream, bytes),
        Frame::File { name, bytes } => write_file(out, name, bytes),
    }
}

fn understood<T: serde::Serialize + serde::de::DeserializeOwned>(text: &[u8]) -> Result<(), String> {
    let Ok(message) = serde_json::from_slice::<T>(text) else { return Ok(()) };
    let mut out = Vec::new();
    write_message(&mut out, &message).map_err(|error| error.to_string())?;
    let again = match read_frame(&mut out.as_slice()) {
        Ok(Some(Frame::Json(text))) => serde_json::from_slice::<T>(&text).map_err(|error| error.to_string())?,
        other => return Err(format!("a message became {other:?}")),
    };
    let (first, second) = (serde_json::to_string(&message), serde_json::to_string(&again));
    match (first, second) {
        (Ok(first), Ok(second)) if first == second => Ok(()),
        (first, second) => Err(format!("{first:?} became {second:?}")),
    }
}
