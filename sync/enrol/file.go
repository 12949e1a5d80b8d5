package enrol

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
)

// What a memory stick carries: a request to the portal, and its answer. Both are
// JSON in one form, so that a file that was changed on the way is seen.
const (
	requestSchema = "penjire-enrol-request/1"
	answerSchema  = "penjire-enrol-answer/1"
	// MaxFile is how long either may be, in bytes.
	MaxFile = 8 << 20
)

var (
	// ErrFile: it is no such file, or it was changed on the way.
	ErrFile = errors.New("it is no such file, or it was changed on the way")
	// ErrFileVersion: it is one of a later version.
	ErrFileVersion = errors.New("it is of a version that this software does not know")
)

// RequestName and AnswerName are the names of the files on the stick.
func RequestName(kiosk string) string { return "penjire-enrol-" + kiosk + ".json" }

// AnswerName is described at RequestName.
func AnswerName(kiosk string) string { return "penjire-certificates-" + kiosk + ".json" }

// Asked is the file with which a kiosk asks for its certificates.
type Asked struct {
	Kiosk    string
	Identity []byte // certification request, DER
	Signing  []byte
	// Proof shows that the kiosk has a one-time code; nil: it has certificates of
	// the same keys, and asks for new ones.
	Proof []byte
}

type askedJSON struct {
	Schema   string `json:"schema"`
	Kiosk    string `json:"kiosk"`
	Identity []byte `json:"identity"`
	Signing  []byte `json:"signing"`
	Proof    []byte `json:"proof,omitempty"`
}

// ProofKey is the key that a code proves with. It tells nothing of the code.
func ProofKey(c Code) [32]byte {
	return sha256.Sum256([]byte("penjire-enrol-proof/1\x00" + c.Reveal()))
}

// Prove adds the proof.
func (a *Asked) Prove(key [32]byte) { a.Proof = a.proof(key) }

// Proves reports whether the proof is one with that key, for exactly this.
func (a *Asked) Proves(key [32]byte) bool { return hmac.Equal(a.Proof, a.proof(key)) }

func (a *Asked) proof(key [32]byte) []byte {
	h := hmac.New(sha256.New, key[:])
	who, identity, signing := sha256.Sum256([]byte(a.Kiosk)), sha256.Sum256(a.Identity), sha256.Sum256(a.Signing)
	for _, b := range [][]byte{who[:], identity[:], signing[:]} {
		_, _ = h.Write(b) // a hash does not fail
	}
	return h.Sum(nil)
}

// Marshal writes the file.
func (a *Asked) Marshal() ([]byte, error) {
	return marshal("a request", askedJSON{requestSchema, a.Kiosk, a.Identity, a.Signing, a.Proof})
}

// ParseAsked reads the file. Errors wrap ErrFile or ErrFileVersion.
func ParseAsked(b []byte) (*Asked, error) {
	var j askedJSON
	if err := unmarshal("a request", b, &j, requestSchema, func() string { return j.Schema }); err != nil {
		return nil, err
	}
	if !kioskName.MatchString(j.Kiosk) || len(j.Identity) == 0 || len(j.Signing) == 0 || j.Proof != nil && len(j.Proof) != sha256.Size {
		return nil, fmt.Errorf("enrol: read a request: something is missing in it: %w", ErrFile)
	}
	return &Asked{Kiosk: j.Kiosk, Identity: j.Identity, Signing: j.Signing, Proof: j.Proof}, nil
}

// Answer is the file with which the portal answers: certificates, each with its
// issuers, the signed trust bundle and the signed catalogue. It has no secrets. It
// proves nothing: the kiosk checks each part.
type Answer struct {
	Kiosk     string
	Identity  []*x509.Certificate
	Signing   []*x509.Certificate
	Trust     []byte
	Catalogue []byte
}

type answerJSON struct {
	Schema    string   `json:"schema"`
	Kiosk     string   `json:"kiosk"`
	Identity  [][]byte `json:"identity"`
	Signing   [][]byte `json:"signing"`
	Trust     []byte   `json:"trust"`
	Catalogue []byte   `json:"catalogue"`
}

// Marshal writes the file.
func (a *Answer) Marshal() ([]byte, error) {
	j := answerJSON{Schema: answerSchema, Kiosk: a.Kiosk, Trust: a.Trust, Catalogue: a.Catalogue}
	for _, c := range a.Identity {
		j.Identity = append(j.Identity, c.Raw)
	}
	for _, c := range a.Signing {
		j.Signing = append(j.Signing, c.Raw)
	}
	return marshal("an answer", j)
}

// ParseAnswer reads the file. Errors wrap ErrFile or ErrFileVersion.
func ParseAnswer(b []byte) (*Answer, error) {
	var j answerJSON
	if err := unmarshal("an answer", b, &j, answerSchema, func() string { return j.Schema }); err != nil {
		return nil, err
	}
	a := &Answer{Kiosk: j.Kiosk, Trust: j.Trust, Catalogue: j.Catalogue}
	for _, l := range []struct {
		from [][]byte
		to   *[]*x509.Certificate
	}{{j.Identity, &a.Identity}, {j.Signing, &a.Signing}} {
		if len(l.from) == 0 || len(l.from) > MaxCerts {
			return nil, fmt.Errorf("enrol: read an answer: %d certificates: %w", len(l.from), ErrFile)
		}
		for _, der := range l.from {
			c, err := x509.ParseCertificate(der)
			if err != nil {
				return nil, fmt.Errorf("enrol: read an answer: %w: %w", ErrFile, err)
			}
			*l.to = append(*l.to, c)
		}
	}
	if !kioskName.MatchString(j.Kiosk) || len(j.Trust) == 0 || len(j.Catalogue) == 0 {
		return nil, fmt.Errorf("enrol: read an answer: something is missing in it: %w", ErrFile)
	}
	return a, nil
}

var kioskName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$`)

// KioskName reports whether s can be a kiosk's number.
func KioskName(s string) bool { return kioskName.MatchString(s) }

func marshal(what string, v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return nil, fmt.Errorf("enrol: write %s: %w", what, err)
	}
	return append(b, '\n'), nil
}

// unmarshal reads a file that has exactly the form in which it is written.
func unmarshal(what string, b []byte, v any, schema string, got func() string) error {
	if len(b) > MaxFile {
		return fmt.Errorf("enrol: read %s: more than %d bytes: %w", what, MaxFile, ErrFile)
	}
	if json.Unmarshal(b, v) != nil {
		return fmt.Errorf("enrol: read %s: %w", what, ErrFile)
	}
	if s := got(); s != schema {
		if len(s) > len(schema)-1 && s[:len(schema)-1] == schema[:len(schema)-1] {
			return fmt.Errorf("enrol: read %s: %w", what, ErrFileVersion)
		}
		return fmt.Errorf("enrol: read %s: %w", what, ErrFile)
	}
	if again, err := marshal(what, v); err != nil || !bytes.Equal(again, b) {
		return fmt.Errorf("enrol: read %s: %w", what, ErrFile)
	}
	return nil
}

// Knowledge is what a new kiosk begins with: both are signed by the register.
type Knowledge struct {
	Trust     []byte `json:"trust"`
	Catalogue []byte `json:"catalogue"`
}
