package outbox

import "crypto/sha256"

// inMemory are small sealed bytes as Accept makes them of a draft's.
func inMemory(o *Outbox, b []byte) *Staged {
	return &Staged{o: o, small: b, digest: sha256.Sum256(b), size: int64(len(b))}
}
