package pa

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/text/language"

	"github.com/penjire/penjire/drivers/emrtd/lds"
)

// Answer is yes, no, or that it is not known. Unknown is never shown as good.
type Answer int

// The answers.
const (
	Unknown Answer = 0
	Yes     Answer = 1
	No      Answer = 2
)

// String returns the word for a.
func (a Answer) String() string {
	switch a {
	case Unknown:
		return "unknown"
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return fmt.Sprintf("Answer(%d)", int(a))
}

// Finding is an answer with its reason in plain words, without personal data.
type Finding struct {
	Answer
	Why string
}

// String returns both.
func (f Finding) String() string { return f.Answer.String() + ": " + f.Why }

// Findings are the answers of passive authentication. There is deliberately no
// word for all of them: a document from a state that is not in the list may be
// whole, and one that is whole may be a copy.
type Findings struct {
	Whole  Finding // what was read is what the document signer signed
	Signed Finding // the document signer was certified by a state in the list
	InTime Finding // both certificates are in their time on the day asked about
	State  Finding // that state is the one that the document names as its issuer
	By     string  // that state's code in the certificate: "TM"; "" if not known
}

// Judge answers for the data groups in files, read from a chip whose EF.SOD is
// sod. issuer is the state that DG1 names. A zero at leaves InTime unknown: a
// kiosk whose clock is in doubt cannot say.
func Judge(sod *SOD, files map[lds.Group][]byte, issuer string, trust Trust, at time.Time) Findings {
	f := Findings{Whole: sod.whole(files)}
	notSigned := func(a Answer, why string) Findings {
		f.Signed = Finding{a, why}
		f.InTime = Finding{Unknown, "it is not known who signed"}
		f.State = f.InTime
		return f
	}
	ds := sod.Signer
	if ds == nil {
		return notSigned(Unknown, "the document signer's certificate is not on the chip")
	}
	if f.Whole.Answer != Yes {
		// Anyone can put a genuine signer's certificate beside a signature.
		if err := sod.signed.check(); err != nil {
			return notSigned(f.Whole.Answer, "the signature is not that of the certificate beside it, or cannot be checked")
		}
	}
	switch {
	case ds.ca || ds.hasUsage && !ds.signsData:
		return notSigned(No, "the signer's certificate is not for signing documents")
	case ds.unknownCritical:
		return notSigned(Unknown, "the signer's certificate has a critical extension that is not known here")
	case trust.Len() == 0:
		return notSigned(Unknown, "no list of states' certificates was given")
	}
	by, err := trust.issuer(ds)
	switch {
	case errors.Is(err, errSignature):
		return notSigned(No, "the signer's certificate names a state in the list, which did not issue it")
	case err != nil:
		return notSigned(Unknown, fmt.Sprintf("the signer's certificate: %v", err))
	}
	f.By = by.Country
	f.Signed = Finding{Yes, fmt.Sprintf("certified by %q", by.Country)}
	f.InTime = inTime(ds, by, at)
	f.State = sameState(issuer, by.Country)
	return f
}

func inTime(ds, by *Certificate, at time.Time) Finding {
	switch {
	case at.IsZero():
		return Finding{Unknown, "the time is not known"}
	case !ds.inTime(at):
		return Finding{No, "the document signer's certificate is not in its time"}
	case !by.inTime(at):
		return Finding{No, "the state's certificate is not in its time"}
	}
	return Finding{Yes, "both certificates are in their time"}
}

// sameState compares a code of Doc 9303-3, section 5 with one of ISO 3166-1
// alpha-2.
func sameState(issuer, country string) Finding {
	code := country
	switch issuer {
	case "": // DG1 was not read
		return Finding{Unknown, "the document's issuer was not read"}
	case "D":
		issuer = "DEU"
	case "UNA":
		issuer = "UNO"
	case "GBD", "GBN", "GBO", "GBP", "GBS":
		issuer = "GBR"
	case "RKS": // Kosovo, which is not in ISO 3166
		issuer = "XKK"
	}
	switch country {
	case "UT": // Utopia, of the specimens
		code = "UTO"
	case "UN":
		code = "UNO"
	case "EU":
		code = "EUE"
	default:
		if r, err := language.ParseRegion(country); err == nil {
			code = r.ISO3()
		}
	}
	if code != issuer {
		return Finding{No, fmt.Sprintf("signed by %q, and the document names %q", country, issuer)}
	}
	return Finding{Yes, "the state that signed is the document's issuer"}
}
