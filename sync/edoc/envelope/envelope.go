// Package envelope seals what only its addressee may read: compressed with
// zstd, then encrypted with age (C2SP age-encryption.org/v1). A request is
// sealed to the portal the moment it is signed; an answer to the applicant's
// card, or to the tracking code where no card was needed.
//
// Sealing hides and protects; it does not say who sealed. That is what the
// signature inside is for.
package envelope

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
)

// MaxPlain is the most that Open gives: what expands further is refused.
const MaxPlain = 64 << 20

// codeWork is the work factor of scrypt for a code: 32 MiB and about a tenth of
// a second on a kiosk's board. A code holds 45 bits; whoever is to guess them
// has them to do 2^45 times.
const codeWork = 15

// ErrNotForThis is returned by Open when none of the identities fits.
var ErrNotForThis = errors.New("envelope: it is sealed to someone else")

// Seal compresses plain and encrypts it to every recipient: "age1…", or
// "agepiv1…" for the key of a card. It uses the dictionary that everyone has.
func Seal(plain []byte, recipients ...string) ([]byte, error) {
	return common.Seal(plain, recipients...)
}

func parseRecipients(recipients []string) ([]age.Recipient, error) {
	if len(recipients) == 0 {
		return nil, errors.New("envelope: seal: no recipients")
	}
	var list []age.Recipient
	for i, s := range recipients {
		r, err := parseRecipient(s)
		if err != nil {
			return nil, fmt.Errorf("envelope: seal: recipient %d: %w", i, err)
		}
		list = append(list, r)
	}
	return list, nil
}

// CheckRecipient says whether Seal would take the recipient.
func CheckRecipient(s string) error {
	if _, err := parseRecipient(s); err != nil {
		return fmt.Errorf("envelope: check a recipient: %w", err)
	}
	return nil
}

func parseRecipient(s string) (age.Recipient, error) {
	if strings.HasPrefix(s, pivHRP+"1") {
		return parsePIVRecipient(s)
	}
	r, err := age.ParseX25519Recipient(s)
	if err != nil {
		return nil, errors.New("it is neither age1… nor agepiv1…")
	}
	return r, nil
}

// SealForCode compresses plain and encrypts it to a tracking code, in the form
// edoc.ParseCode returns. It takes time and memory on purpose.
func SealForCode(plain []byte, code string) ([]byte, error) {
	r, err := age.NewScryptRecipient(code)
	if err != nil {
		return nil, fmt.Errorf("envelope: seal for a code: %w", err)
	}
	r.SetWorkFactor(codeWork)
	return common.seal(plain, []age.Recipient{r})
}

// Open decrypts with whichever of ids fits and decompresses. ErrNotForThis says
// that none did; ErrDictionary, that it was sealed with a dictionary of a
// catalogue (Dictionaries.Open).
func Open(sealed []byte, ids ...age.Identity) ([]byte, error) {
	return Dictionaries(nil).Open(sealed, ids...)
}

// OpenWithCode opens what SealForCode sealed. Another code is ErrNotForThis.
func OpenWithCode(sealed []byte, code string) ([]byte, error) {
	id, err := age.NewScryptIdentity(code)
	if err != nil {
		return nil, fmt.Errorf("envelope: open with a code: %w", err)
	}
	id.SetMaxWorkFactor(codeWork)
	return Open(sealed, id)
}
