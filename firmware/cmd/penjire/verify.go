package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc/explain"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// check is one call of penjire verify: what to check with, and for whom.
type check struct {
	bundle  *trust.Bundle       // nil: none is at hand
	cat     *catalog.Catalogue  // nil: none is at hand; then some limits of certificates cannot be judged
	revoked *trust.RevokedSeals // nil: none is at hand
	now     time.Time           // what the clock reads; --at sets it
	code    string              // tracking code that opens a sealed answer
	lang    string
	show    bool // names and what is stated may be shown
	stdin   io.Reader
}

func verify(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire verify", flag.ContinueOnError)
	fs.SetOutput(stderr)
	var from trustFlags
	from.add(fs)
	from.addCatalogue(fs)
	from.addRevoked(fs)
	c := check{now: time.Now(), stdin: stdin}
	at := fs.String("at", "", "check as if it were this `time`: RFC 3339, a day, or Unix seconds")
	fs.StringVar(&c.lang, "lang", language(os.Getenv), "tk, ru or en")
	fs.StringVar(&c.code, "code", "", "tracking `code` that a sealed answer is opened with")
	fs.BoolVar(&c.show, "show", false, "show names and what is stated; a terminal may be logged")
	asJSON := fs.Bool("json", false, "print JSON")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return good
		}
		return usage
	}
	wrong := func(format string, a ...any) int {
		_, _ = fmt.Fprintf(stderr, "penjire: "+format+"\n", a...)
		return usage
	}
	if fs.NArg() == 0 {
		return wrong("nothing to verify\n%s", strings.TrimSuffix(help, "\n"))
	}
	if !slices.Contains(explain.Langs, c.lang) {
		return wrong("there is no language %q, only %s", short(c.lang), strings.Join(explain.Langs, ", "))
	}
	if *at != "" {
		t, err := parseTime(*at)
		if err != nil {
			return wrong("%v", err)
		}
		c.now = t
	}
	b, err := from.bundle()
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: whom to trust is not known: %v\n", err)
		switch {
		case errors.Is(err, errNotGenuine) && from.given():
			return blind
		case from.given():
			return usage
		}
		_, _ = fmt.Fprintln(stderr, "hint: --trust names a signed trust bundle, or a folder with trust.cbor and roots.pem")
	}
	c.bundle = b
	if b != nil {
		if c.cat, err = from.services(b); err != nil {
			return wrong("the catalogue of services is of no use: %v", err)
		}
		if c.revoked, err = from.revokedSeals(b); err != nil {
			return wrong("the list of revoked seals is of no use: %v", err)
		}
	}
	var all []result
	missed := false // something could not be looked at at all
	for _, arg := range fs.Args() {
		err := c.each(arg, func(r result) {
			all = append(all, r)
			if !*asJSON {
				r.print(stdout, c)
			}
		})
		if err != nil {
			missed = true
			_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		}
	}
	exit := worst(all, missed)
	if *asJSON {
		if err := writeReport(stdout, c, all, exit); err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
			return blind
		}
	}
	return exit
}

// worst returns the exit status: not valid before wrong use, that before cannot
// tell, that before valid. Not valid is first because it is what nobody may
// overlook, even if another name was mistyped.
func worst(all []result, missed bool) int {
	exit := good
	for _, r := range all {
		switch r.Verdict {
		case trust.No:
			return bad
		case trust.Unknown:
			exit = blind
		}
	}
	if missed {
		return usage
	}
	return exit
}

func writeReport(w io.Writer, c check, all []result, exit int) error {
	rep := report{Format: reportFormat, At: c.now.UTC(), Exit: exit, Things: all}
	if rep.Things == nil {
		rep.Things = []result{}
	}
	if b := c.bundle; b != nil {
		rep.Trust = &trusted{Version: b.Version, Issued: b.Issued.UTC(), Age: max(0, c.now.Sub(b.Issued)).Seconds()}
		if c.revoked != nil {
			rep.Trust.RevokedSeals = c.revoked.Version
		}
	}
	j, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s\n", j); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// parseTime reads what --at says. A day is its first moment, UTC.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > -1<<40 && n < 1<<40 {
		return time.Unix(n, 0), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: it is written 2026-11-22T09:00:00+05:00, 2026-11-22 or 1795323600", short(s))
}

// language returns the language that the environment asks for, else English.
func language(env func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		v := env(name)
		if v == "" {
			continue
		}
		lang, _, _ := strings.Cut(v, "_")
		lang, _, _ = strings.Cut(lang, ".")
		if slices.Contains(explain.Langs, lang) {
			return lang
		}
		break
	}
	return "en"
}

func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
