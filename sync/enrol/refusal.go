package enrol

import (
	"net/http"
	"strings"
)

// Refusal is why the portal gives no certificate. Its code begins the body of the
// answer («code.used: …»), so that the kiosk can say it in its own words.
type Refusal struct {
	Code   string
	Status int // of HTTP
	Text   string
}

// Error implements error.
func (r *Refusal) Error() string { return r.Code + ": " + r.Text }

// OfCode reports whether the one-time code is to blame: it never brings anything.
func (r *Refusal) OfCode() bool { return strings.HasPrefix(r.Code, "code.") }

// The refusals of the portal (enrol.md, section 4). They are never changed.
var (
	NoCode = &Refusal{"code.unknown", http.StatusUnauthorized, "there is no such one-time code: compare it with what the operator wrote down"}
	// CodeExpired and those after it need the operator.
	CodeExpired = &Refusal{"code.expired", http.StatusForbidden, "the one-time code has expired: ask the operator for a new one"}
	CodeUsed    = &Refusal{"code.used", http.StatusForbidden, "the one-time code was used for another key: ask the operator for a new one"}
	CodeOther   = &Refusal{"code.other-kiosk", http.StatusForbidden, "the one-time code is for another kiosk: is the kiosk's number right?"}
	Malformed   = &Refusal{"request.malformed", http.StatusBadRequest, "the request cannot be read, or its key or its signature is not good"}
	NoCert      = &Refusal{"certificate.missing", http.StatusUnauthorized, "a certificate of a kiosk, or a one-time code, is needed"}
	CertForeign = &Refusal{"certificate.foreign", http.StatusForbidden, "the certificate is not one of a kiosk of this portal"}
	CertExpired = &Refusal{"certificate.expired", http.StatusForbidden, "the certificate expired too long ago: ask the operator for a one-time code"}
	CertRevoked = &Refusal{"certificate.revoked", http.StatusForbidden, "the certificate is revoked: ask the operator"}
	Busy        = &Refusal{"busy", http.StatusTooManyRequests, "too many attempts: wait"}
)

// Refusals are all of them.
var Refusals = []*Refusal{NoCode, CodeExpired, CodeUsed, CodeOther, Malformed, NoCert, CertForeign, CertExpired, CertRevoked, Busy}

// RefusalOf returns the refusal that begins the body of an answer; nil: none does.
func RefusalOf(body string) *Refusal {
	code, _, _ := strings.Cut(body, ":")
	for _, r := range Refusals {
		if r.Code == code {
			return r
		}
	}
	return nil
}
