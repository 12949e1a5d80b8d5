package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/update"
	"github.com/penjire/penjire/sync/edoc/explain"
	"github.com/penjire/penjire/sync/release"
)

const updateUsage = `usage: penjire update status|check [--settings FILE] [--socket PATH] [--lang tk|ru|en] [--json]
       penjire update install [--again] [--settings FILE] [--socket PATH] [--lang tk|ru|en] [--json] FILE|FOLDER
`

// updateCommand is penjire update: the running kiosk does it.
func updateCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	what := ""
	if len(args) > 0 {
		what, args = args[0], args[1:]
	}
	fs := flag.NewFlagSet("penjire update "+what, flag.ContinueOnError)
	from := controlFlags(fs)
	lang := fs.String("lang", language(os.Getenv), "language: tk, ru or en")
	again := fs.Bool("again", false, "also what failed here before")
	asJSON := fs.Bool("json", false, "print what the kiosk says, as JSON")
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	method, path, wants := http.MethodGet, "/update", 0
	switch what {
	case "status":
	case "check":
		method, path = http.MethodPost, "/update/check"
	case "install":
		method, wants = http.MethodPost, 1
	default:
		_, _ = fmt.Fprint(stderr, updateUsage)
		return usage
	}
	if fs.NArg() != wants || !slices.Contains(explain.Langs, *lang) {
		_, _ = fmt.Fprint(stderr, updateUsage)
		return usage
	}
	if what == "install" {
		file, err := filepath.Abs(fs.Arg(0))
		if err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
			return usage
		}
		q := url.Values{"file": {file}}
		if *again {
			q.Set("again", "1")
		}
		path = "/update/install?" + q.Encode()
	}
	at, ok := from.where(stderr)
	if !ok {
		return usage
	}
	var l kiosk.UpdateLine
	raw, err := askJSON(ctx, method, at, path, updateTime, &l)
	if err != nil {
		return noKiosk(stderr, at, err)
	}
	if *asJSON {
		_, _ = stdout.Write(raw)
	} else {
		tellUpdate(stdout, stderr, l, *lang)
	}
	switch {
	case l.Error != "":
		return bad
	case l.Status == nil:
		return blind
	}
	return good
}

// updateTime is how long a question to the portal may take, which the kiosk asks in
// between.
const updateTime = 2 * time.Minute

// tellUpdate says it in words.
func tellUpdate(stdout, stderr io.Writer, l kiosk.UpdateLine, lang string) {
	switch {
	case l.Code != "":
		sayWords(stderr, lang, string(l.Code))
	case l.Error != "":
		_, _ = fmt.Fprintf(stderr, "penjire: %s\n", l.Error)
	}
	if l.Status != nil {
		showUpdate(stdout, *l.Status, lang)
	} else if l.Error == "" {
		_, _ = fmt.Fprintln(stderr, "penjire: this machine was not started from an image with two slots")
	}
}

func sayWords(w io.Writer, lang, code string) {
	words := release.Say(lang, code)
	_, _ = fmt.Fprintf(w, "%s (%s)\n", words.Says, code)
	if words.Do != "" {
		_, _ = fmt.Fprintf(w, "  %s\n", words.Do)
	}
}

// megabytes is a number of bytes in millions.
func megabytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }

// showUpdate prints where the update stands.
func showUpdate(w io.Writer, s update.Status, lang string) {
	r := s.Report
	_, _ = fmt.Fprintf(w, "%s  %s  build %d  slot %s  ring %s\n", r.Board, r.Version, r.Build, cmp.Or(r.Slot, "?"), s.Ring)
	_, _ = fmt.Fprintln(w, release.Say(lang, r.Phase).Says)
	if r.Target != 0 {
		_, _ = fmt.Fprintf(w, "  %s  build %d", s.Version, r.Target)
		switch {
		case s.Progress != nil:
			_, _ = fmt.Fprintf(w, "  %d %% %s", s.Progress.Percent, s.Progress.What)
		case s.Size > 0:
			_, _ = fmt.Fprintf(w, "  %d of %d bytes", r.Have, s.Size)
		}
		_, _ = fmt.Fprintln(w)
		if s.Fetch > 0 && !s.Stick {
			_, _ = fmt.Fprintf(w, "  over the network: %s of %s MB; of them fetched: %s MB\n", megabytes(s.Fetch), megabytes(s.Size), megabytes(s.Fetched))
		}
		if s.Whole != "" {
			_, _ = fmt.Fprintf(w, "  %s (%s)\n", release.Say(lang, string(s.Whole)).Says, s.Whole)
		}
	}
	if s.Base > 0 && r.Target == 0 {
		_, _ = fmt.Fprintf(w, "  kept to compare the next one with: %s MB\n", megabytes(s.Base))
	}
	if r.Last != nil {
		_, _ = fmt.Fprintf(w, "%s  build %d  %s\n", r.Last.Version, r.Last.Build, r.Last.At.Format("2006-01-02 15:04"))
		sayWords(w, lang, string(r.Last.Code))
	}
	if s.Detail != "" {
		_, _ = fmt.Fprintf(w, "  RAUC: %s\n", s.Detail)
	}
}
