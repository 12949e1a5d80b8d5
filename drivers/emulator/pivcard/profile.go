package pivcard

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/penjire/penjire/drivers/piv"
)

// profileJSON is a card as a file. Keys are PKCS #8 and certificates DER, both
// in base64. It is for specimens: no real card gives its keys away.
type profileJSON struct {
	PIN   string              `json:"pin"`
	PUK   string              `json:"puk,omitempty"`
	Tries int                 `json:"tries,omitempty"`
	UID   string              `json:"uid,omitempty"` // hex
	Slots map[string]slotJSON `json:"slots"`         // "9A", "9C", "9D", "9E"
}

type slotJSON struct {
	Key  []byte `json:"key"`
	Cert []byte `json:"cert,omitempty"`
}

// Marshal returns p as the file ParseProfile reads.
func (p Profile) Marshal() ([]byte, error) {
	j := profileJSON{PIN: p.PIN, PUK: p.PUK, Tries: p.Tries, UID: hex.EncodeToString(p.UID), Slots: map[string]slotJSON{}}
	for s, k := range p.Slots {
		der, err := x509.MarshalPKCS8PrivateKey(k.Key)
		if err != nil {
			return nil, fmt.Errorf("pivcard: marshal profile: slot %v: %w", s, err)
		}
		j.Slots[s.String()] = slotJSON{der, k.Cert}
	}
	b, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("pivcard: marshal profile: %w", err)
	}
	return append(b, '\n'), nil
}

// ParseProfile reads a card from a file that Marshal made. Unknown keys are
// errors.
func ParseProfile(b []byte) (Profile, error) {
	var j profileJSON
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&j); err != nil {
		return Profile{}, fmt.Errorf("pivcard: parse profile: %w", err)
	}
	uid, err := hex.DecodeString(j.UID)
	if err != nil {
		return Profile{}, fmt.Errorf("pivcard: parse profile: uid: %w", err)
	}
	p := Profile{PIN: j.PIN, PUK: j.PUK, Tries: j.Tries, UID: uid, Slots: map[piv.Slot]Slot{}}
	for name, s := range j.Slots {
		ref, err := hex.DecodeString(name)
		if err != nil || len(ref) != 1 {
			return Profile{}, fmt.Errorf("pivcard: parse profile: %q is no slot", name)
		}
		k, err := x509.ParsePKCS8PrivateKey(s.Key)
		if err != nil {
			return Profile{}, fmt.Errorf("pivcard: parse profile: slot %s: %w", name, err)
		}
		signer, ok := k.(crypto.Signer)
		if !ok {
			return Profile{}, fmt.Errorf("pivcard: parse profile: slot %s: key of type %T cannot sign", name, k)
		}
		p.Slots[piv.Slot(ref[0])] = Slot{signer, s.Cert}
	}
	return p, nil
}
