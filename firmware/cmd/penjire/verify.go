package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// result is what checking one thing found, as --json prints it.
type result struct {
	Name    string         `json:"name"`    // of the file, "-" or "seal"
	Kind    string         `json:"kind"`    // request, answer, receipt, copy; "" if it cannot be read
	Verdict trust.Verdict  `json:"verdict"` // the worst of the findings
	Whole   trust.Finding  `json:"whole"`
	Signer  trust.Finding  `json:"signer"`
	Revoked trust.Finding  `json:"revocation"`
	Stamp   *trust.Finding `json:"stamp,omitempty"`
	Age     float64        `json:"revocation_age_s"`

	Document   string      `json:"document,omitempty"`
	Code       string      `json:"code,omitempty"`
	Service    string      `json:"service,omitempty"`
	SignedBy   string      `json:"signed_by,omitempty"` // kiosk or agency; "citizen" of a citizen
	Claimed    *time.Time  `json:"claimed,omitempty"`
	Trusted    *time.Time  `json:"trusted,omitempty"`
	Facts      [][2]string `json:"facts,omitempty"` // to be compared with the paper
	Check      string      `json:"check_number,omitempty"`
	Index      int64       `json:"journal_index,omitempty"`
	TreeSize   int64       `json:"journal_size,omitempty"`
	Root       string      `json:"journal_root,omitempty"` // its beginning
	Unreadable string      `json:"unreadable,omitempty"`
}

func verify(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire verify", flag.ContinueOnError)
	fs.SetOutput(stderr)
	trustAt := fs.String("trust", "", "signed trust bundle, or a `folder` with trust.cbor and roots.pem")
	rootsAt := fs.String("roots", "", "PEM `file` of root certificates; default roots.pem beside the bundle")
	asJSON := fs.Bool("json", false, "print JSON")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return good
		}
		return usage
	}
	if fs.NArg() == 0 {
		_, _ = fmt.Fprintf(stderr, "penjire: nothing to verify\n%s", help)
		return usage
	}
	now := time.Now()
	b, err := bundle(*trustAt, *rootsAt)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: whom to trust is not known: %v\n", err)
		if *trustAt != "" || *rootsAt != "" {
			return usage
		}
		_, _ = fmt.Fprintln(stderr, "hint: --trust names a signed trust bundle, or a folder with trust.cbor and roots.pem")
	}
	var all []result
	for _, arg := range fs.Args() {
		rs, err := check(arg, b, now, stdin)
		if err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
			return usage
		}
		all = append(all, rs...)
	}
	if *asJSON {
		j, err := json.MarshalIndent(all, "", "\t")
		if err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
			return blind
		}
		_, _ = fmt.Fprintf(stdout, "%s\n", j)
	} else {
		for _, r := range all {
			r.print(stdout)
		}
	}
	status := good
	for _, r := range all {
		switch r.Verdict {
		case trust.No:
			return bad
		case trust.Unknown:
			status = blind
		}
	}
	return status
}

// bundle returns the trust bundle; nil with the error that says why there is none.
func bundle(at, roots string) (*trust.Bundle, error) {
	if at == "" {
		s, err := settings.Load("/etc/penjire/settings.json")
		if err != nil {
			return nil, err
		}
		roots, at = s.Roots, filepath.Join(s.State, "trust.signed")
		if _, err := os.Stat(at); err != nil {
			at = s.Trust
		}
	}
	if st, err := os.Stat(at); err == nil && st.IsDir() {
		at = filepath.Join(at, "trust.cbor")
	}
	if roots == "" {
		roots = filepath.Join(filepath.Dir(at), "roots.pem")
	}
	cs, err := keyfile.Certificates(roots)
	if err != nil {
		return nil, err
	}
	signed, err := os.ReadFile(at)
	if err != nil {
		return nil, fmt.Errorf("read the trust bundle: %w", err)
	}
	return trust.ParseBundle(signed, cs, 0)
}

// check checks what arg names: a file, a folder of containers, standard input,
// or, where no such file is, a seal.
func check(arg string, b *trust.Bundle, now time.Time, stdin io.Reader) ([]result, error) {
	if arg == "-" {
		data, err := io.ReadAll(io.LimitReader(stdin, maxFile+1))
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return []result{one("-", data, b, now)}, nil
	}
	st, err := os.Stat(arg)
	switch {
	case errors.Is(err, os.ErrNotExist) || err != nil && len(arg) > 200:
		if s, serr := seal.Parse(arg); serr == nil {
			return []result{ofSeal("seal", s, b, now)}, nil
		} else if strings.Contains(strings.ToUpper(arg), "/V/") {
			return []result{unreadable("seal", serr)}, nil
		}
		return nil, fmt.Errorf("%q is neither a file nor a seal", short(arg))
	case err != nil:
		return nil, fmt.Errorf("look at %q: %w", short(arg), err)
	case !st.IsDir():
		return file(arg, b, now)
	}
	names, err := filepath.Glob(filepath.Join(arg, "*.asice"))
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", arg, err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("there is no *.asice in %q", arg)
	}
	slices.Sort(names)
	var all []result
	for _, n := range names {
		rs, err := file(n, b, now)
		if err != nil {
			return nil, err
		}
		all = append(all, rs...)
	}
	return all, nil
}

// maxFile is the largest file that is looked at.
const maxFile = 64 << 20

func file(path string, b *trust.Bundle, now time.Time) ([]result, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return []result{one(path, data, b, now)}, nil
}

// one checks a container or, in a text, a seal.
func one(name string, data []byte, b *trust.Bundle, now time.Time) result {
	if len(data) > maxFile {
		return unreadable(name, fmt.Errorf("it is larger than %d bytes", maxFile))
	}
	if !bytes.HasPrefix(data, []byte("PK")) {
		if s, err := seal.Parse(strings.TrimSpace(string(data))); err == nil {
			return ofSeal(name, s, b, now)
		}
	}
	c, err := edoc.Parse(data)
	if err != nil {
		return unreadable(name, err)
	}
	known := b
	if known == nil {
		known = new(trust.Bundle)
	}
	rep, d := c.Verify(known, now), c.Document()
	r := result{
		Name: name, Kind: d.Kind, Whole: rep.Whole, Signer: rep.Signer, Revoked: rep.Revocation, Stamp: &rep.Stamp,
		Age: rep.RevocationAge.Seconds(), Document: c.ID().String(), Code: edoc.FormatCode(c.Code()),
		Service: d.Service, SignedBy: rep.SignerName, Claimed: &rep.Claimed,
	}
	if r.SignedBy == "" {
		r.SignedBy = "citizen"
	}
	if !rep.Trusted.IsZero() {
		r.Trusted = &rep.Trusted
	}
	return r.judge(b)
}

func ofSeal(name string, s *seal.Sealed, b *trust.Bundle, now time.Time) result {
	known := b
	if known == nil {
		known = new(trust.Bundle)
	}
	rep := s.Verify(known, now)
	date := s.Date
	r := result{
		Name: name, Kind: s.Kind, Whole: rep.Finding, Signer: rep.Finding, Revoked: rep.Revocation, Age: rep.RevocationAge.Seconds(),
		Document: hex.EncodeToString(s.Doc), Service: s.Service, SignedBy: rep.SignerName,
		Claimed: &date, Facts: s.Facts, Check: s.CheckNumber(), Index: s.Index, TreeSize: s.Size, Root: hex.EncodeToString(s.Root),
	}
	if s.Subject != "" {
		r.Facts = append([][2]string{{"subject", s.Subject}}, r.Facts...)
	}
	if r.SignedBy == "" {
		r.SignedBy = s.Issuer + " (as it says)"
	}
	return r.judge(b)
}

// judge draws the findings together. Without a bundle nobody is known, which is
// not the same as being false.
func (r result) judge(b *trust.Bundle) result {
	if b == nil {
		none := trust.Finding{Verdict: trust.Unknown, Reason: "trust.none"}
		if r.Stamp == nil { // a seal: its key is in the bundle
			r.Whole = none
		}
		r.Signer, r.Revoked = none, none
	}
	r.Verdict = trust.Yes
	for _, f := range []trust.Finding{r.Whole, r.Signer, r.Revoked} {
		if f.Verdict == trust.No || f.Verdict == trust.Unknown && r.Verdict == trust.Yes {
			r.Verdict = f.Verdict
		}
		if r.Verdict == trust.No {
			break
		}
	}
	return r
}

// unreadable is a thing that is not what it should be: that is not valid.
func unreadable(name string, err error) result {
	f := trust.Finding{Verdict: trust.No, Reason: "unreadable"}
	return result{Name: name, Verdict: trust.No, Whole: f, Signer: f, Revoked: f, Unreadable: err.Error()}
}

func short(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

// words of the verdicts, for the last line.
var verdicts = map[trust.Verdict]string{
	trust.Yes: "VALID", trust.No: "NOT VALID", trust.Unknown: "CANNOT TELL",
}

func (r result) print(w io.Writer) {
	line := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "  %-11s %s\n", name, fmt.Sprintf(format, args...))
	}
	finding := func(name string, f trust.Finding) {
		if f.Reason == "" || f.Reason == trust.ReasonOK {
			line(name, "%s", f.Verdict)
			return
		}
		line(name, "%s (%s)", f.Verdict, f.Reason)
	}
	_, _ = fmt.Fprintln(w, r.Name)
	if r.Unreadable != "" {
		line("unreadable", "%s", r.Unreadable)
		_, _ = fmt.Fprintf(w, "%s\n\n", verdicts[r.Verdict])
		return
	}
	line(r.Kind, "%s", r.Service)
	if r.Code != "" {
		line("code", "%s", r.Code)
	}
	line("document", "%s", r.Document)
	line("signed by", "%s", r.SignedBy)
	if r.Claimed != nil {
		line("signed", "%s as the signer's clock says", r.Claimed.UTC().Format(time.RFC3339))
	}
	if r.Trusted != nil {
		line("stamped", "%s", r.Trusted.UTC().Format(time.RFC3339))
	}
	for _, f := range r.Facts {
		line("states", "%s: %s", f[0], f[1])
	}
	if r.Check != "" {
		line("number", "%s", r.Check)
	}
	if r.TreeSize > 0 {
		line("journal", "entry %d of %d, root %s…", r.Index, r.TreeSize, r.Root)
	}
	finding("whole", r.Whole)
	finding("signer", r.Signer)
	finding("revocation", r.Revoked)
	if r.Age > 0 {
		line("", "known as of %v ago", (time.Duration(r.Age) * time.Second).Round(time.Minute))
	}
	_, _ = fmt.Fprintf(w, "%s\n\n", verdicts[r.Verdict])
}
