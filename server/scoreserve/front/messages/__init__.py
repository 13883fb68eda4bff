"""Parts of a request and of its answer: heads, ids, replies, streamed bodies."""
