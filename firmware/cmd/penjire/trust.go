package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc/explain"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// centre is a centre of the state list (ED-39.6), as trust show prints it.
type centre struct {
	Name      string    `json:"name"`
	Kind      string    `json:"kind"` // of signers it certifies
	No        string    `json:"accreditation"`
	Date      time.Time `json:"accredited"`
	Address   string    `json:"address"`
	State     string    `json:"state"`
	Since     time.Time `json:"since,omitzero"`
	NotAfter  time.Time `json:"not_after"`
	SHA256    string    `json:"sha256"` // of its certificate
	Algorithm string    `json:"algorithm"`
}

// shown is what penjire trust show --json prints.
type shown struct {
	Version      uint64    `json:"version"`
	Issued       time.Time `json:"issued"`
	Age          float64   `json:"age_s"`
	Centres      []centre  `json:"centres"`
	CRLs         int       `json:"revocation_lists"`
	TSA          int       `json:"time_stamp_authorities"`
	Portals      int       `json:"portals"`
	Agencies     []string  `json:"agencies"`
	SealSigners  int       `json:"seal_signers"`
	RevokedSeals int       `json:"revoked_seals"`
}

// words for trust show: tk, ru, en.
var trustLabels = map[string][3]string{
	"title":    {"Ynanylýan sertifikatlaryň sanawy, %d-nji neşir", "Список доверенных сертификатов, выпуск %d", "List of trusted certificates, version %d"},
	"issued":   {"çykarylan: %s (%v öň)", "выпущен: %s (%v назад)", "issued %s (%v ago)"},
	"centres":  {"Elektron sanly goly bellige alyş we tassyklaýyş merkezleri", "Удостоверяющие центры", "Certification centres"},
	"working":  {"işleýär", "работает", "working"},
	"suspend":  {"işi togtadylan, %s", "работа приостановлена с %s", "suspended since %s"},
	"ended":    {"işini bes etdi, %s", "работа прекращена с %s", "work ended %s"},
	"accredit": {"akkreditasiýa %s, %s", "аккредитация %s от %s", "accreditation %s of %s"},
	"counts": {
		"ýatyrylan sertifikatlaryň sanawlary: %d, wagt möhüri gulluklary: %d, portallar: %d, edaralar: %d, möhür goýýan kiosklar: %d, ýatyrylan möhürler: %d",
		"списков аннулированных: %d, служб штампов времени: %d, порталов: %d, ведомств: %d, киосков со знаком: %d, отменённых знаков: %d",
		"lists of cancelled certificates: %d, time-stamping authorities: %d, portals: %d, agencies: %d, kiosks that seal: %d, cancelled seals: %d",
	},
	"certifies-" + trust.KindCitizens:       {"raýatlar", "граждане", "citizens"},
	"certifies-" + trust.KindAgencies:       {"edaralar", "ведомства", "agencies"},
	"certifies-" + trust.KindInfrastructure: {"portal, kiosklar, wagt möhürleri", "портал, киоски, штампы времени", "portal, kiosks, time stamps"},
}

// trustCommand is penjire trust show.
func trustCommand(args []string, stdout, stderr io.Writer) int {
	wrong := func(format string, a ...any) int {
		_, _ = fmt.Fprintf(stderr, "penjire: "+format+"\n", a...)
		return usage
	}
	if len(args) == 0 || args[0] != "show" {
		return wrong("trust knows one thing to do: show\n%s", strings.TrimSuffix(help, "\n"))
	}
	fs := flag.NewFlagSet("penjire trust show", flag.ContinueOnError)
	fs.SetOutput(stderr)
	roots := fs.String("roots", "", "PEM `file` of root certificates; default roots.pem beside the bundle")
	lang := fs.String("lang", language(os.Getenv), "tk, ru or en")
	asJSON := fs.Bool("json", false, "print JSON")
	if err := fs.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return good
		}
		return usage
	}
	if fs.NArg() > 1 || !slices.Contains(explain.Langs, *lang) {
		return wrong("trust show takes one file or folder, in tk, ru or en")
	}
	from := trustFlags{roots: *roots}
	if fs.NArg() == 1 {
		from.at = fs.Arg(0)
		if _, err := os.Stat(from.at); err != nil {
			return wrong("look at the trust bundle: %v", err)
		}
	}
	b, err := from.bundle()
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		switch {
		case errors.Is(err, errNotGenuine):
			return bad
		case fs.NArg() == 0:
			return usage
		}
		return blind
	}
	s := showBundle(b, time.Now())
	if !*asJSON {
		s.print(stdout, slices.Index(explain.Langs, *lang))
		return good
	}
	j, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return blind
	}
	_, _ = fmt.Fprintf(stdout, "%s\n", j)
	return good
}

func showBundle(b *trust.Bundle, now time.Time) shown {
	s := shown{
		Version: b.Version, Issued: b.Issued.UTC(), Age: max(0, now.Sub(b.Issued)).Seconds(), CRLs: len(b.CRLs), TSA: len(b.TSA),
		Portals: len(b.Portals), SealSigners: len(b.SealSigners), RevokedSeals: len(b.RevokedSeals), Agencies: []string{},
	}
	for _, a := range b.Agencies {
		s.Agencies = append(s.Agencies, trust.AgencyID(a))
	}
	for _, c := range b.Centres {
		s.Centres = append(s.Centres, centre{
			Name: trust.Name(c.Cert).Reveal(), Kind: c.Kind, No: c.Accreditation.No, Date: c.Accreditation.Date.UTC(), Address: c.Accreditation.Address,
			State: c.State, Since: c.Since.UTC(), NotAfter: c.Cert.NotAfter.UTC(), SHA256: digest(c.Cert.Raw), Algorithm: c.Cert.PublicKeyAlgorithm.String(),
		})
	}
	return s
}

// print writes it for a person, in the language of that index.
func (s shown) print(w io.Writer, lang int) {
	say := func(indent, key string, a ...any) {
		_, _ = fmt.Fprintf(w, indent+trustLabels[key][lang]+"\n", a...)
	}
	day := func(t time.Time) string { return t.Format(time.DateOnly) }
	say("", "title", s.Version)
	say("  ", "issued", date(s.Issued), (time.Duration(s.Age) * time.Second).Round(time.Minute))
	_, _ = fmt.Fprintln(w)
	say("", "centres")
	for _, c := range s.Centres {
		_, _ = fmt.Fprintf(w, "  %s (%s)\n", printable(c.Name), trustLabels["certifies-"+c.Kind][lang])
		say("    ", "accredit", printable(c.No), day(c.Date))
		if c.Address != "" {
			_, _ = fmt.Fprintf(w, "    %s\n", printable(c.Address))
		}
		switch c.State {
		case trust.Suspended:
			say("    ", "suspend", day(c.Since))
		case trust.Ended:
			say("    ", "ended", day(c.Since))
		default:
			say("    ", "working")
		}
		_, _ = fmt.Fprintf(w, "    SHA-256 %s\n", c.SHA256)
	}
	_, _ = fmt.Fprintln(w)
	say("", "counts", s.CRLs, s.TSA, s.Portals, len(s.Agencies), s.SealSigners, s.RevokedSeals)
}
