package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/penjire/penjire/firmware/enrol"
)

// lacking is what each word of enrolment means, and what to do.
var lacking = map[string]string{
	enrol.LacksCode:   "a one-time code: penjire enrol code CODE",
	enrol.LacksStick:  "the portal's answer by memory stick: penjire enrol export FOLDER, then import",
	enrol.LacksPortal: "the portal does not answer: is the network up, and the address right?",
	enrol.LacksTrust:  "who answers is not the portal that the set-up names: wrong address, wrong set-up, or somebody in between",
	enrol.LacksChip:   "the security chip that the keys are in does not answer: switch the kiosk off and on",
	enrol.LacksRoom:   "the kiosk's own folder cannot be written",
}

// enrolCommand is penjire enrol status, code, export and import: the daemon does it,
// while the kiosk has no certificates.
func enrolCommand(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		_, _ = fmt.Fprintf(stderr, "penjire: enrol takes status, code, export or import\n%s", help)
		return usage
	}
	what := args[0]
	fs := flag.NewFlagSet("penjire enrol "+what, flag.ContinueOnError)
	from := fs.String("settings", "/etc/penjire/settings.json", "the settings `file` that the kiosk will have, for its folder")
	socket := fs.String("socket", "", "`path` of the kiosk's control socket")
	anywhere := fs.Bool("any-folder", false, "also a folder on the kiosk's own disk")
	asJSON := fs.Bool("json", false, "print what the kiosk says")
	if st, done := parseFlags(fs, args[1:], stderr); done {
		return st
	}
	if *socket == "" {
		*socket = enrol.Socket(filepath.Dir(*from))
	}
	q := url.Values{}
	if *anywhere {
		q.Set("anywhere", "1")
	}
	switch {
	case what == "status" && fs.NArg() == 0:
		return enrolStatus(ctx, *socket, *asJSON, stdout, stderr)
	case what == "code" && fs.NArg() <= 1:
		code := fs.Arg(0)
		if code == "" || code == "-" { // so that it stands in no list of processes
			b, err := io.ReadAll(io.LimitReader(stdin, 256))
			if err != nil {
				_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
				return bad
			}
			code = string(bytes.TrimSpace(b))
		}
		q.Set("code", code)
	case (what == "export" || what == "import") && fs.NArg() == 1:
		folder, err := filepath.Abs(fs.Arg(0))
		if err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
			return usage
		}
		q.Set("folder", folder)
	default:
		_, _ = fmt.Fprintf(stderr, "penjire: enrol takes status, code [CODE], export FOLDER or import FOLDER\n%s", help)
		return usage
	}
	var d enrol.Done
	err := postLines(ctx, *socket, "/enrol/"+what+"?"+q.Encode(), func(b []byte) error { return json.Unmarshal(b, &d) })
	switch {
	case err != nil:
		return noEnrolment(stderr, *socket, err)
	case d.Error != "":
		_, _ = fmt.Fprintf(stderr, "penjire: %s\n", d.Error)
		return bad
	case d.File != "":
		_, _ = fmt.Fprintf(stdout, "%s\nhint: the operator's desk or portald kiosk answer makes the answer of it\n", d.File)
	default:
		_, _ = fmt.Fprintln(stdout, "taken; penjire enrol status says how far it is")
	}
	return good
}

func noEnrolment(stderr io.Writer, socket string, err error) int {
	_, _ = fmt.Fprintf(stderr, "penjire: no kiosk that waits for its certificates answers: %v\nhint: is penjired running, may you read %s, or is the kiosk enrolled already (penjire status)?\n", err, socket)
	return blind
}

func enrolStatus(ctx context.Context, socket string, asJSON bool, stdout, stderr io.Writer) int {
	raw, err := ask(ctx, socket, "/enrol")
	var s enrol.Status
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		return noEnrolment(stderr, socket, err)
	}
	if asJSON {
		_, _ = stdout.Write(raw)
	} else {
		showEnrol(stdout, s)
	}
	if s.Step != enrol.StepDone {
		return bad
	}
	return good
}

func showEnrol(w io.Writer, s enrol.Status) {
	_, _ = fmt.Fprintf(w, "kiosk      %s, not enrolled yet: at %s\n", s.Kiosk, s.Step)
	if s.Lacks != enrol.LacksNothing {
		_, _ = fmt.Fprintf(w, "lacks      %s\n", lacking[s.Lacks])
	}
	if s.Fault != "" {
		_, _ = fmt.Fprintf(w, "says       %s\n", strings.TrimPrefix(s.Fault, "enrol: "))
	}
	if !s.Next.IsZero() {
		_, _ = fmt.Fprintf(w, "again      at %s, after %d tries\n", s.Next.Format(time.RFC3339), s.Tries)
	}
}
