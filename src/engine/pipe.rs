//! The engine over two byte streams. Each message is its length (u32, little endian) followed by its
//! postcard encoding.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{BufReader, ErrorKind, Read, Write};
use std::sync::Mutex;

use crate::engine::protocol::{Reply, ReplyKind, Request};
use crate::engine::worker::Engine;
use crate::error::{Error, Result};
use crate::features::cache_folder;

/// The greatest length of a message. No message comes close to it, so that a greater length means
/// that the stream carries something else.
const MAX_LENGTH: u32 = 1 << 30;

/// Writes one message and flushes the stream. Fails if the stream does, or for a path that is not
/// Unicode.
pub fn write(stream: &mut impl Write, message: &impl Serialize) -> Result<()> {
    let failed = |e| Error::io("write to", "the engine's pipe")(e);
    let bytes = postcard::to_stdvec(message)
        .map_err(|e| Error::Mismatch(format!("a message cannot cross the engine's pipe ({e})")))?;
    let length = u32::try_from(bytes.len()).map_err(|_| failed(ErrorKind::FileTooLarge.into()))?;
    stream.write_all(&length.to_le_bytes()).map_err(failed)?;
    stream
        .write_all(&bytes)
        .and_then(|()| stream.flush())
        .map_err(failed)
}

/// Reads the next message; `None` at the end of the stream.
pub fn read<M: DeserializeOwned>(stream: &mut impl Read) -> Result<Option<M>> {
    let failed = |e| Error::io("read from", "the engine's pipe")(e);
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other.map_err(failed)?,
    }
    let length = u32::from_le_bytes(length);
    if length > MAX_LENGTH {
        return Err(Error::format(
            "the engine's pipe",
            "carries something that is not a message",
        ));
    }
    let mut bytes = vec![0; length as usize];
    stream.read_exact(&mut bytes).map_err(failed)?;
    postcard::from_bytes(&bytes)
        .map(Some)
        .map_err(|e| Error::format("the engine's pipe", format!("has an invalid message ({e})")))
}

/// Answers the requests of one stream on the other, until the first ends.
pub fn serve(requests: impl Read, replies: impl Write + Send + 'static) -> Result<()> {
    let replies = Mutex::new(replies);
    // without a cache folder, evaluations are computed again each time
    let cache = cache_folder().ok().map(|folder| folder.join("evaluations"));
    let engine = Engine::start(cache, move |reply: Reply| {
        let mut replies = replies.lock().unwrap_or_else(|broken| broken.into_inner());
        let id = reply.id;
        if let Err(error @ Error::Mismatch(_)) = write(&mut *replies, &reply) {
            // the reader may be gone
            let _ = write(
                &mut *replies,
                &Reply {
                    id,
                    kind: ReplyKind::Failed(error.to_string()),
                },
            );
        }
    })?;
    let mut requests = BufReader::new(requests);
    while let Some(request) = read::<Request>(&mut requests)? {
        engine.send(request);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::protocol::{RequestId, RequestKind};
    use crate::types::{EntityId, MetricValues, Mode};

    #[test]
    fn messages_arrive_as_they_were_sent() {
        let mut stream = Vec::new();
        let nan = ReplyKind::Measured {
            picked: MetricValues {
                ap: [f64::NAN; 4],
                ..MetricValues::default()
            },
            reranked: MetricValues::default(),
        };
        let sent = [
            Reply {
                id: RequestId(7),
                kind: ReplyKind::OtherMode {
                    mode: Mode::Text,
                    ranking: vec![EntityId(3), EntityId(1)],
                },
            },
            Reply {
                id: RequestId(8),
                kind: nan,
            },
        ];
        sent.iter()
            .for_each(|reply| write(&mut stream, reply).unwrap());
        let mut stream = stream.as_slice();
        assert_eq!(read::<Reply>(&mut stream).unwrap().unwrap(), sent[0]);
        // NaN survives
        let Some(Reply {
            kind: ReplyKind::Measured { picked, .. },
            ..
        }) = read(&mut stream).unwrap()
        else {
            panic!("lost")
        };
        assert!(picked.ap.iter().all(|ap| ap.is_nan()));
        assert!(read::<Reply>(&mut stream).unwrap().is_none());
    }

    #[test]
    fn an_invalid_message_is_an_error() {
        let mut invalid = [0xff; 64].as_slice();
        assert!(read::<Reply>(&mut invalid).is_err());
        let mut cut = Vec::new();
        write(
            &mut cut,
            &Request {
                id: RequestId(1),
                kind: RequestKind::FirstImages {
                    entities: vec![EntityId(1); 9],
                },
            },
        )
        .unwrap();
        cut.pop();
        assert!(read::<Request>(&mut cut.as_slice()).is_err());
    }
}
