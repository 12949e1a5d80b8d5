package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/journal/evidence"
)

const journalHelp = `usage: penjire journal prove [--settings FILE] [--socket PATH] [--out FILE] CODE|SEAL|INDEX
       penjire journal check [--trust FOLDER|FILE] [--roots FILE] [--receipt SEAL] [--json] [PROOF|-|OUTBOX.DB]
       penjire journal ls [--json] OUTBOX.DB
`

func journalCommand(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case "prove":
			return journalProve(ctx, args[1:], stdout, stderr)
		case "check":
			return journalCheck(ctx, args[1:], stdin, stdout, stderr)
		case "ls":
			return journalList(ctx, args[1:], stdout, stderr)
		}
	}
	_, _ = fmt.Fprint(stderr, journalHelp)
	return usage
}

func parseFlags(fs *flag.FlagSet, args []string, stderr io.Writer) (status int, done bool) {
	fs.SetOutput(stderr)
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return good, true
	case err != nil:
		return usage, true
	}
	return good, false
}

// journalProve asks the running kiosk for a proof.
func journalProve(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire journal prove", flag.ContinueOnError)
	from := fs.String("settings", "/etc/penjire/settings.json", "the kiosk's settings `file`, for its socket")
	socket := fs.String("socket", "", "`path` of the kiosk's control socket")
	out := fs.String("out", "", "write the proof to `file`; default standard output")
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	if fs.NArg() != 1 {
		_, _ = fmt.Fprint(stderr, journalHelp)
		return usage
	}
	query, err := what(fs.Arg(0))
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\nhint: a tracking code, the text of a receipt's QR code, or a number\n", err)
		return usage
	}
	if *socket == "" {
		s, err := settings.Load(*from)
		if err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: where the kiosk answers is not known: %v\nhint: --socket names its control socket\n", err)
			return usage
		}
		*socket = s.Control
	}
	b, err := ask(ctx, *socket, "/journal/prove?"+query.Encode())
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: no proof: %v\nhint: is penjired running, and is it this kiosk's journal?\n", err)
		return blind
	}
	if *out == "" {
		_, err = stdout.Write(b)
	} else {
		err = os.WriteFile(*out, b, 0o600)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: write the proof: %v\n", err)
		return usage
	}
	return good
}

// what says what to ask for: a place, a code or a seal.
func what(s string) (url.Values, error) {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil && i >= 0 && len(s) < 10 {
		return url.Values{"index": {s}}, nil
	}
	if code, err := edoc.ParseCode(s); err == nil {
		return url.Values{"code": {code}}, nil
	}
	if _, err := seal.Parse(s); err == nil {
		return url.Values{"seal": {s}}, nil
	}
	return nil, errors.New("that is neither a code nor a seal nor a place in the journal")
}

// checked is what journal check --json prints.
type checked struct {
	Answer  string     `json:"answer"` // of evidence.Answer with a receipt; else "valid", "invalid" or "cannot-tell"
	Why     string     `json:"why,omitempty"`
	Kiosk   string     `json:"kiosk,omitempty"`
	Epoch   string     `json:"epoch,omitempty"`
	Index   *int64     `json:"index,omitempty"`
	Kind    string     `json:"kind,omitempty"`
	Doc     string     `json:"doc,omitempty"`
	Claimed *time.Time `json:"claimed,omitempty"`
	Head    int64      `json:"head_size,omitempty"`
	Witness string     `json:"witness,omitempty"`
	Before  *time.Time `json:"not_before,omitempty"`
	After   *time.Time `json:"not_after,omitempty"`
	Receipt string     `json:"receipt,omitempty"` // reason of the seal's finding
	Detail  string     `json:"detail,omitempty"`
	Entries int        `json:"entries,omitempty"` // of an outbox file
}

func (c *checked) take(p *evidence.Checked) {
	if p == nil {
		return
	}
	c.Kiosk, c.Epoch, c.Index, c.Kind = p.Kiosk, hex.EncodeToString(p.Epoch[:]), &p.Index, p.Entry.Kind.String()
	c.Doc, c.Claimed, c.Head, c.Witness = hex.EncodeToString(p.Entry.Fields.Doc), &p.Entry.At, p.Head.Size, p.Witness
	if t := p.Bracket.NotBefore; !t.IsZero() {
		c.Before = &t
	}
	if t := p.Bracket.NotAfter; !t.IsZero() {
		c.After = &t
	}
}

func journalCheck(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire journal check", flag.ContinueOnError)
	var from trustFlags
	from.add(fs)
	receipt := fs.String("receipt", "", "compare with the `seal` of a paper receipt: the text of its QR code")
	proof := fs.String("proof", "", "the proof `file`; - is standard input")
	asJSON := fs.Bool("json", false, "print JSON")
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	if fs.NArg() == 1 && *proof == "" {
		*proof = fs.Arg(0)
	} else if fs.NArg() > 0 || *proof == "" && *receipt == "" {
		_, _ = fmt.Fprint(stderr, journalHelp)
		return usage
	}
	var raw []byte
	if *proof != "" {
		var err error
		if raw, err = readProof(*proof, stdin); err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: read the proof: %v\n", err)
			return usage
		}
		if *receipt == "" && len(raw) > 0 && raw[0] != '{' && *proof != "-" {
			return journalCheckFile(ctx, *proof, *asJSON, stdout, stderr)
		}
	}
	var s *seal.Sealed
	if *receipt != "" {
		var err error
		if s, err = seal.Parse(*receipt); err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
			return usage
		}
	}
	b, err := from.bundle()
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: whom to trust is not known: %v\nhint: --trust names a signed trust bundle\n", err)
		return blind
	}
	var p *evidence.Proof
	var c checked
	if raw != nil {
		if p, err = evidence.ParseProof(raw); err != nil {
			c.Answer, c.Detail = "invalid", err.Error()
			return c.print(stdout, *asJSON, bad)
		}
	}
	if s == nil {
		got, err := p.Check(b, time.Now())
		if err != nil {
			c.Answer, c.Detail = "invalid", err.Error()
			return c.print(stdout, *asJSON, bad)
		}
		c.Answer = "valid"
		c.take(got)
		return c.print(stdout, *asJSON, good)
	}
	v := evidence.CheckReceipt(s, p, b, time.Now())
	c.Answer, c.Why, c.Receipt = string(v.Answer), v.Why, v.Seal
	c.take(v.Proof)
	if v.Err != nil {
		c.Detail = v.Err.Error()
	}
	return c.print(stdout, *asJSON, map[evidence.Answer]int{
		evidence.Consistent: good, evidence.Accepted: good, evidence.Contradiction: bad,
	}[v.Answer]+map[bool]int{true: blind}[v.Answer == evidence.CannotTell])
}

func readProof(path string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // it was only read
		in = f
	}
	return io.ReadAll(io.LimitReader(in, evidence.MaxProof+1))
}

// answers are what the answers of a check mean, for people.
var answers = map[string]string{
	"valid":                        "the entry stands in the journal that the kiosk signed",
	"invalid":                      "the proof does not hold",
	string(evidence.Consistent):    "the kiosk accepted it, and its journal says so",
	string(evidence.Accepted):      "the kiosk accepted it: its seal says so; there is no journal to compare with",
	string(evidence.Contradiction): "PROVEN: the kiosk accepted it and signed a journal without it: it was dropped or changed",
	string(evidence.CannotTell):    "cannot tell",
}

func (c *checked) print(w io.Writer, asJSON bool, status int) int {
	if asJSON {
		b, err := json.MarshalIndent(c, "", "\t")
		if err != nil {
			return usage // of plain strings and times it does not happen
		}
		_, _ = fmt.Fprintf(w, "%s\n", b)
		return status
	}
	line := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "%-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("answer", "%s: %s", c.Answer, answers[c.Answer])
	for _, s := range [][2]string{{"why", c.Why}, {"receipt", c.Receipt}, {"detail", c.Detail}} {
		if s[1] != "" {
			line(s[0], "%s", s[1])
		}
	}
	if c.Entries > 0 {
		line("entries", "%d", c.Entries)
	}
	if c.Index == nil {
		return status
	}
	line("journal", "%s, epoch %s, entry %d of %d", c.Kiosk, c.Epoch, *c.Index, c.Head)
	line("entry", "%s, document %s, the kiosk's clock said %s", c.Kind, c.Doc, c.Claimed.Format(time.RFC3339))
	if c.Witness == "" {
		line("witness", "none: the head is the kiosk's word alone")
	} else {
		line("witness", "%s", c.Witness)
	}
	when := func(t *time.Time) string {
		if t == nil {
			return "not proved"
		}
		return t.Format(time.RFC3339)
	}
	line("time", "not before %s, not after %s", when(c.Before), when(c.After))
	return status
}
