package envelope_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"filippo.io/age"

	"github.com/penjire/penjire/sync/edoc/envelope"
)

// TestSealTo: what is sealed in pieces opens like any envelope.
func TestSealTo(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	to := id.Recipient().String()
	plain := bytes.Repeat([]byte("a scan of which much repeats; "), 100_000)
	var sealed bytes.Buffer
	if err := envelope.SealTo(&sealed, func(w io.Writer) error {
		for b := range bytes.Lines(bytes.ReplaceAll(plain, []byte("; "), []byte(";\n"))) {
			b[len(b)-1] = ' '
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
		return nil
	}, to); err != nil {
		t.Fatal(err)
	}
	if sealed.Len() > len(plain)/10 {
		t.Errorf("%d bytes are sealed in %d", len(plain), sealed.Len())
	}
	if got, err := envelope.Open(sealed.Bytes(), id); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("Open = %d bytes, %v", len(got), err)
	}
	boom := errors.New("boom")
	for name, write := range map[string]func(io.Writer) error{
		"a fault":  func(io.Writer) error { return boom },
		"nothing":  func(io.Writer) error { return nil },
		"too much": func(w io.Writer) error { _, err := w.Write(make([]byte, envelope.MaxPlain+1)); return err },
	} {
		if err := envelope.SealTo(io.Discard, write, to); err == nil || name == "a fault" && !errors.Is(err, boom) {
			t.Errorf("SealTo of %s = %v", name, err)
		}
	}
	if err := envelope.SealTo(io.Discard, func(io.Writer) error { return nil }); err == nil {
		t.Error("SealTo to no one: want an error")
	}
}
