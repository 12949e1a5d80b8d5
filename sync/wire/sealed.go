package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
)

// What is sealed begins with age's header, which is text: 96 bytes that count in
// 168, for one recipient. On the wire it is short, and anything else whole
// (wire.md, section 3.1).
const (
	ageHead  = "age-encryption.org/v1\n"
	ageShare = "-> X25519 " // an ephemeral share, and in the next line the file key
	ageMAC   = "--- "
	agePart  = 32 // bytes of a share, a wrapped key and a MAC
	ageText  = 43 // characters of such in Base64

	mostStanzas = 8
	sealedWhole = 0   // the bytes follow as they are; 1 to mostStanzas: so many stanzas
	sealedAge   = 'a' // age's header as it is
)

var ageBase64 = base64.RawStdEncoding.Strict()

// shortSealed returns what goes over the wire in the place of sealed bytes.
func shortSealed(sealed []byte) []byte {
	if len(sealed) == 0 {
		return nil
	}
	if short, ok := shortHeader(sealed); ok {
		return short
	}
	if sealed[0] == sealedAge {
		return sealed
	}
	return append([]byte{sealedWhole}, sealed...)
}

func shortHeader(sealed []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(sealed, []byte(ageHead))
	out := make([]byte, 1, len(sealed))
	// part takes a text of 32 bytes with what stands before and after it.
	part := func(head string) bool {
		if len(rest) < len(head)+ageText+1 || string(rest[:len(head)]) != head || rest[len(head)+ageText] != '\n' {
			return false
		}
		b, err := ageBase64.AppendDecode(out, rest[len(head):len(head)+ageText])
		out, rest = b, rest[len(head)+ageText+1:]
		return err == nil
	}
	for ok && bytes.HasPrefix(rest, []byte(ageShare)) {
		out[0]++
		ok = out[0] <= mostStanzas && part(ageShare) && part("")
	}
	if !ok || out[0] == 0 || !part(ageMAC) {
		return nil, false
	}
	return append(out, rest...), true
}

// longSealed is the reverse.
func longSealed(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, nil // which check refuses
	}
	n, rest := int(b[0]), b[1:]
	switch {
	case n == sealedWhole:
		return rest, nil
	case n == sealedAge:
		return b, nil
	case n > mostStanzas:
		return nil, errors.New("sealed bytes of a form that is not known")
	case len(rest) < (2*n+1)*agePart:
		return nil, errors.New("sealed bytes that are cut off")
	}
	out := append(make([]byte, 0, len(b)+(2*n+1)*(ageText-agePart+1)+len(ageHead)+n*len(ageShare)+len(ageMAC)), ageHead...)
	part := func(head string) {
		out = append(ageBase64.AppendEncode(append(out, head...), rest[:agePart]), '\n')
		rest = rest[agePart:]
	}
	for range n {
		part(ageShare)
		part("")
	}
	part(ageMAC)
	return append(out, rest...), nil
}
