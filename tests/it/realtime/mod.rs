//! Speech-to-speech models against a server that follows the protocol.
