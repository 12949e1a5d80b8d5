package tpm

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// Erase takes the key under handle out of the TPM, for ever: it was made from
// randomness that nobody has (TPM 2.0 Part 3, 28.5). Without a key there it is nil.
func (t *TPM) Erase(ctx context.Context, handle uint32) error {
	h := tpm2.TPMHandle(handle)
	_, err := do(ctx, t, t.patience, func(c transport.TPM) (struct{}, error) {
		if handle < FirstHandle || handle > LastHandle {
			return struct{}{}, fmt.Errorf("handles are %#x to %#x", FirstHandle, LastHandle)
		}
		pub, err := tpm2.ReadPublic{ObjectHandle: h}.Execute(c)
		if errors.Is(err, tpm2.TPMRCHandle) {
			return struct{}{}, nil
		}
		if err != nil {
			return struct{}{}, err
		}
		_, err = tpm2.EvictControl{
			Auth: tpm2.TPMRHOwner, PersistentHandle: h, ObjectHandle: &tpm2.NamedHandle{Handle: h, Name: pub.Name},
		}.Execute(c)
		return struct{}{}, err
	})
	if err != nil {
		return fmt.Errorf("tpm: erase the key %#x in %s: %w", handle, t.path, err)
	}
	return nil
}
