package tpm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"testing"
)

// An erased key does not come back: not after the power was cut, and not by making
// another in its place.
func TestErase(t *testing.T) {
	chip, tpm, k := newKey(t)
	if err := tpm.Erase(t.Context(), handle); err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("what is signed"))
	if _, err := k.Sign(nil, digest[:], crypto.SHA256); err == nil {
		t.Error("an erased key signs")
	}
	chip.Kill()
	chip.Run()
	if err := k.Check(t.Context()); err == nil {
		t.Error("an erased key is there again after a power cut")
	}
	if err := tpm.Erase(t.Context(), handle); err != nil {
		t.Errorf("erasing again = %v, want that it is gone already", err)
	}
	other, err := tpm.Create(t.Context(), handle)
	if err != nil {
		t.Fatal(err)
	}
	if other.Public().(*ecdsa.PublicKey).Equal(k.Public()) {
		t.Error("the key that was erased was made again")
	}
	if err := tpm.Erase(t.Context(), LastHandle+1); err == nil {
		t.Error("a handle outside of the owner's was looked at")
	}
}
