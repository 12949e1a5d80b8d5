package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/sync/edoc/explain"
)

// stickCommand is penjire export and penjire import: the running kiosk does it, so
// that nobody else opens its outbox, and this tells what it says.
func stickCommand(ctx context.Context, what string, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire "+what, flag.ContinueOnError)
	from := controlFlags(fs)
	lang := fs.String("lang", language(os.Getenv), "language: tk, ru or en")
	anywhere := fs.Bool("any-folder", false, "also a folder on the kiosk's own disk")
	asJSON := fs.Bool("json", false, "print what the kiosk says: JSON lines")
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	if fs.NArg() != 1 || !slices.Contains(explain.Langs, *lang) {
		_, _ = fmt.Fprintf(stderr, "usage: penjire %s [--settings FILE] [--socket PATH] [--lang tk|ru|en] [--any-folder] [--json] FOLDER\n", what)
		return usage
	}
	folder, err := filepath.Abs(fs.Arg(0))
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return usage
	}
	at, ok := from.where(stderr)
	if !ok {
		return usage
	}
	q := url.Values{"folder": {folder}}
	if *anywhere {
		q.Set("anywhere", "1")
	}
	t := stickTeller{words: stickWords[*lang], import_: what == "import", out: stdout, raw: *asJSON}
	err = postLines(ctx, at, "/"+what+"?"+q.Encode(), t.tell)
	switch {
	case errors.Is(err, errNoKiosk):
		_, _ = fmt.Fprintf(stderr, "penjire: %s: %v\nhint: the running kiosk does this; is penjired running, and may you read %s?\n", t.words["no-kiosk"], err, at)
		return blind
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "penjire: %s: %v\n", t.words["lost"], err)
		return bad
	case t.last.Step != "done" || t.part || t.import_ && t.last.Files == 0:
		return bad
	}
	return good
}

// stickTeller says what the kiosk does with a stick.
type stickTeller struct {
	words   map[string]string
	import_ bool
	out     io.Writer
	raw     bool
	begun   bool // it was found out what is to be written
	part    bool // something for this kiosk could not be taken
	last    kiosk.StickLine
}

func (t *stickTeller) tell(line []byte) error {
	t.last = kiosk.StickLine{}
	if err := json.Unmarshal(line, &t.last); err != nil {
		return fmt.Errorf("what the kiosk says cannot be read: %w", err)
	}
	l := t.last
	switch l.Outcome {
	case kiosk.StickPart, kiosk.StickNewer, kiosk.StickForeign, kiosk.StickDamaged:
		t.part = true
	}
	if t.raw {
		_, _ = fmt.Fprintf(t.out, "%s\n", line)
		return nil
	}
	say := func(key string, args ...any) { _, _ = fmt.Fprintf(t.out, t.words[key]+"\n", args...) }
	switch l.Step {
	case "begun":
		t.begun = true
		if !t.import_ {
			say("begun", l.Left)
		}
	case "file":
		if !t.import_ && l.Renewal {
			say("renewal", l.File)
			break
		}
		if !t.import_ {
			say("file", l.File, l.Records, l.Bytes)
			if l.Of > 0 {
				say("part", l.From, l.To, l.Of)
			}
			break
		}
		say("outcome", l.File, t.words[l.Outcome])
		if l.Renewal && l.Error == "" {
			say("certificates", l.Certificates)
		}
		if l.Receipts+l.Items > 0 {
			say("brought", l.Receipts, l.Items)
		}
		for _, code := range l.Refused {
			say("refused", code)
		}
	case "done":
		switch {
		case !t.import_:
			say("exported", l.Records, l.Files)
		case l.Files == 0:
			say("nothing")
		default:
			say("imported", l.Receipts, l.Items)
		}
	case "failed":
		word := t.words[l.Code]
		if word == "" {
			word = t.words[kiosk.StickFailed]
		}
		say("failed", word, l.Code, l.Error)
		switch {
		case t.import_:
		case t.begun:
			say("safe", l.Files, l.Records, l.Left)
		default:
			say("kept")
		}
	}
	return nil
}
