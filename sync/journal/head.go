package journal

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
)

// ErrHead is wrapped by every error about a signed head.
var ErrHead = errors.New("not a signed head")

// MaxHead is the most bytes a signed head has.
const MaxHead = 16 << 10

// maxLines is the most signatures under one head.
const maxLines = 4

// lineType is what C2SP signed-note wants before a key where none of its own
// signature types fits: 0xff, and an identifier that nobody else uses.
const lineType = "\xffpenjire.tm/cms/1"

// Head is a checkpoint with the signatures under it: a C2SP signed note in
// which every signature is a detached CMS object over the text (outbox.md,
// section 7). It does not change.
type Head struct {
	Checkpoint
	text  []byte
	lines []line
}

type line struct {
	name string
	hash uint32
	sig  *cms.SignedData
}

// Signature makes s's signature of the checkpoint. It carries s's certificate
// only if carry says so: where whoever reads it may not have that yet.
func (c Checkpoint) Signature(s cms.Signer, at time.Time, carry bool) (*cms.SignedData, error) {
	text, err := c.Marshal()
	if err != nil {
		return nil, err
	}
	der, err := cms.Sign(text, cms.Signer{Key: s.Key, Cert: s.Cert}, at)
	if err != nil {
		return nil, fmt.Errorf("journal: sign the checkpoint of %s at %d: %w", c.Origin, c.Size, err)
	}
	sig, err := cms.Parse(der)
	if err != nil {
		return nil, fmt.Errorf("journal: sign the checkpoint of %s at %d: %w", c.Origin, c.Size, err)
	}
	if !carry {
		sig = sig.WithoutCertificates()
	}
	return sig, nil
}

// Sign returns the checkpoint signed by s under that name, at the time that
// s's clock claims. For carry see Signature.
func (c Checkpoint) Sign(name string, s cms.Signer, at time.Time, carry bool) (*Head, error) {
	sig, err := c.Signature(s, at, carry)
	if err != nil {
		return nil, err
	}
	return c.Unsigned().With(name, s.Cert, sig)
}

// Unsigned returns the checkpoint as a head that nobody has signed yet.
func (c Checkpoint) Unsigned() *Head {
	text, err := c.Marshal()
	if err != nil {
		text = nil // With refuses it
	}
	return &Head{Checkpoint: c, text: text}
}

// With returns the head with one signature more, or with another one under a
// name that has signed before. cert is the signer's.
func (h *Head) With(name string, cert *x509.Certificate, sig *cms.SignedData) (*Head, error) {
	if len(h.text) == 0 || !goodName(name) {
		return nil, fmt.Errorf("journal: sign a head as %q: %w", name, ErrHead)
	}
	out := &Head{Checkpoint: h.Checkpoint, text: h.text}
	for _, l := range h.lines {
		if l.name != name {
			out.lines = append(out.lines, l)
		}
	}
	if len(out.lines) == maxLines {
		return nil, fmt.Errorf("journal: sign a head: it has %d signatures: %w", maxLines, ErrHead)
	}
	out.lines = append(out.lines, line{name, keyHash(name, cert), sig})
	return out, nil
}

// Only returns the head with none but that name's signature.
func (h *Head) Only(name string) *Head {
	out := &Head{Checkpoint: h.Checkpoint, text: h.text}
	for _, l := range h.lines {
		if l.name == name {
			out.lines = append(out.lines, l)
		}
	}
	return out
}

// Join returns the head with the signatures of another copy of it as well.
func (h *Head) Join(other *Head) (*Head, error) {
	if !bytes.Equal(h.text, other.text) {
		return nil, fmt.Errorf("journal: join signatures: the heads differ: %w", ErrHead)
	}
	out := &Head{Checkpoint: h.Checkpoint, text: h.text, lines: append([]line(nil), h.lines...)}
	for _, l := range other.lines {
		if h.Signed(l.name) == nil {
			out.lines = append(out.lines, l)
		}
	}
	if len(out.lines) > maxLines {
		return nil, fmt.Errorf("journal: join signatures: more than %d: %w", maxLines, ErrHead)
	}
	return out, nil
}

// Signed returns the signature under that name, nil if there is none. It is not
// checked.
func (h *Head) Signed(name string) *cms.SignedData {
	for _, l := range h.lines {
		if l.name == name {
			return l.sig
		}
	}
	return nil
}

// Names returns who has signed, in the order of the lines.
func (h *Head) Names() []string {
	var out []string
	for _, l := range h.lines {
		out = append(out, l.name)
	}
	return out
}

// Text returns what is signed: the checkpoint's lines.
func (h *Head) Text() []byte { return bytes.Clone(h.text) }

// Verify checks the signature under that name with one of the certificates
// known, and returns which it is. Whether to believe it is the caller's question.
func (h *Head) Verify(name string, known ...*x509.Certificate) (*x509.Certificate, error) {
	for _, l := range h.lines {
		if l.name != name {
			continue
		}
		cert, err := l.sig.Verify(h.text, known...)
		if err != nil {
			return nil, fmt.Errorf("journal: the signature of %s under a head: %w: %w", name, err, ErrHead)
		}
		if keyHash(name, cert) != l.hash {
			return nil, fmt.Errorf("journal: the signature of %s under a head names another key: %w", name, ErrHead)
		}
		return cert, nil
	}
	return nil, fmt.Errorf("journal: a head is not signed by %s: %w", name, ErrHead)
}

// Marshal returns the head as a C2SP signed note.
func (h *Head) Marshal() []byte {
	var b bytes.Buffer
	b.Write(h.text)
	b.WriteByte('\n')
	for _, l := range h.lines {
		writeLine(&b, l.name, l.hash, l.sig.Bytes())
	}
	return b.Bytes()
}

func writeLine(b *bytes.Buffer, name string, hash uint32, der []byte) {
	raw := append(binary.BigEndian.AppendUint32(nil, hash), der...)
	fmt.Fprintf(b, "— %s %s\n", name, base64.StdEncoding.EncodeToString(raw))
}

// ParseHead reads exactly what Marshal writes, of a head that someone has
// signed. It checks no signature.
func ParseHead(b []byte) (*Head, error) {
	if len(b) > MaxHead {
		return nil, fmt.Errorf("journal: parse a head of %d bytes, at most %d: %w", len(b), MaxHead, ErrHead)
	}
	text, rest, ok := strings.Cut(string(b), "\n\n")
	if !ok {
		return nil, fmt.Errorf("journal: parse a head: no signatures: %w", ErrHead)
	}
	c, err := ParseCheckpoint([]byte(text + "\n"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrHead)
	}
	h := c.Unsigned()
	for s := range strings.Lines(rest) {
		l, err := parseLine(s)
		if err != nil {
			return nil, err
		}
		if len(h.lines) == maxLines || h.Signed(l.name) != nil {
			return nil, fmt.Errorf("journal: parse a head: more than %d signatures, or two of one name: %w", maxLines, ErrHead)
		}
		h.lines = append(h.lines, l)
	}
	if len(h.lines) == 0 || !bytes.Equal(h.Marshal(), b) {
		return nil, fmt.Errorf("journal: parse a head: no signature, or not its only encoding: %w", ErrHead)
	}
	return h, nil
}

func parseLine(s string) (line, error) {
	f := strings.Split(strings.TrimSuffix(s, "\n"), " ")
	if len(f) != 3 || f[0] != "—" || !goodName(f[1]) {
		return line{}, fmt.Errorf("journal: parse a head: not a signature line: %w", ErrHead)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(f[2])
	if err != nil || len(raw) < 5 {
		return line{}, fmt.Errorf("journal: parse a head: a signature is not base64: %w", ErrHead)
	}
	sig, err := cms.Parse(raw[4:])
	if err != nil {
		return line{}, fmt.Errorf("journal: parse a head: %w: %w", err, ErrHead)
	}
	if len(sig.Certificates()) > 1 {
		return line{}, fmt.Errorf("journal: parse a head: a signature carries more than its own certificate: %w", ErrHead)
	}
	return line{f[1], binary.BigEndian.Uint32(raw), sig}, nil
}

// keyHash is the key ID of C2SP signed-note.
func keyHash(name string, cert *x509.Certificate) uint32 {
	sum := sha256.Sum256([]byte(name + "\n" + lineType + string(cert.RawSubjectPublicKeyInfo)))
	return binary.BigEndian.Uint32(sum[:4])
}

func goodName(s string) bool {
	return s != "" && printable(s, 64) && !strings.ContainsAny(s, " +")
}
