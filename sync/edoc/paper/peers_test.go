package paper_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/citizen"
)

// peers leaves a test out, loudly, when a program it compares with is missing.
func peers(t *testing.T, names ...string) {
	t.Helper()
	for _, n := range names {
		if _, err := exec.LookPath(n); err != nil {
			if os.Getenv("PENJIRE_PEERS") == "require" {
				t.Fatalf("PEER MISSING: %s", n)
			}
			t.Skipf("PEER MISSING: %s: what it would have confirmed is not confirmed", n)
		}
	}
}

// run runs a program with its arguments and returns what it printed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, errs.String())
	}
	return string(out)
}

func save(t *testing.T, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "copy.pdf")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// pdftotext returns the text of a file as Poppler reads it, in its order.
func pdftotext(t *testing.T, b []byte) string {
	t.Helper()
	peers(t, "pdftotext")
	return run(t, "pdftotext", "-raw", "-enc", "UTF-8", save(t, b), "-")
}

// flat is text without its line breaks.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

// The text is text: every letter of the three languages and every requisite is
// found by a reader that is not ours.
func TestPeerText(t *testing.T) {
	w := newWorld(t)
	for lang, second := range map[string]string{"tk": "", "ru": "Бумажная копия электронного документа", "en": "Paper copy of an e-document"} {
		d := w.answer(lang)
		d.Facts[3].Value = citizen.NewText(letters)
		src := w.source(t, d)
		text := flat(pdftotext(t, certified(t, src)))
		id := src.Answer.ID()
		number := src.Seal.CheckNumber()
		for what, want := range map[string]string{
			"the words of the law": "elektron resminamanyň kagyz nusgasy", "in the copy's language": second, "every letter": letters,
			"name": d.Name, "heading": d.Heading, "agency": d.Sender.Organisation, "position": d.Sender.Position,
			"address": d.Sender.Postal.Reveal(), "holder": d.Addressee.Surname.Reveal(), "regulation": d.Regulation,
			"fact": "Magtymguly şaýoly, 12-nji jaý, 34-nji otag", "tracking code": "K7M4P·29QDX", "check number": number[:5] + "·" + number[5:],
			"where to check": "portal.specimen/v", "page": "1 / ", "the original's id": fmt.Sprintf("%x", id[:2]),
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %s: %q is not found in the text", lang, what, want)
			}
		}
		if strings.Contains(text, "0001") && !strings.Contains(text, "•••• 0001") {
			t.Errorf("%s: the identifier is not masked", lang)
		}
	}
}

// A document of many pages: all of it is there, and every page says what it is
// of and how it is checked.
func TestPeerManyPages(t *testing.T) {
	w := newWorld(t)
	d := w.long("tk")
	src := w.source(t, d)
	b := certified(t, src)
	t.Logf("%d bytes", len(b))
	text := pdftotext(t, b)
	all := flat(text)
	for _, f := range d.Facts {
		// Page breaks fall between rows, or between the lines of a long one.
		if first, _, _ := strings.Cut(f.Value.Reveal(), " Türk"); !strings.Contains(all, f.Name+" "+first) {
			t.Errorf("%s is not found with its label", f.Name)
		}
	}
	if n, want := strings.Count(all, "şaýoly"), 8*30; n != want {
		t.Errorf("the long facts have %d words, want %d", n, want)
	}
	if n := strings.Count(all, "mälim"); n != 60 { // a sentence may go over a page
		t.Errorf("the text has %d sentences, want 60", n)
	}
	pages := strings.Split(strings.TrimSuffix(text, "\f"), "\f")
	if len(pages) < 5 {
		t.Fatalf("%d pages, want many", len(pages))
	}
	number := src.Seal.CheckNumber()
	for i, p := range pages {
		for _, want := range []string{
			fmt.Sprintf("%d / %d", i+1, len(pages)), "elektron resminamanyň kagyz nusgasy", number[:5] + "·" + number[5:],
		} {
			if !strings.Contains(p, want) {
				t.Errorf("page %d of %d has no %q", i+1, len(pages), want)
			}
		}
	}
	if want := fmt.Sprintf("nusganyň — %d", len(pages)); !strings.Contains(all, want) {
		t.Errorf("the requisites do not say %q", want)
	}
	check(t, b)
}

// check has qpdf read every object of the file.
func check(t *testing.T, b []byte) {
	t.Helper()
	peers(t, "qpdf")
	if out := run(t, "qpdf", "--check", save(t, b)); strings.Contains(strings.ToUpper(out), "WARNING") {
		t.Errorf("qpdf: %s", out)
	}
}

// The seal is read from the drawn page, as a scanner at 300 dots per inch sees it.
func TestPeerSeal(t *testing.T) {
	peers(t, "pdftotext", "pdftoppm", "zbarimg")
	w := newWorld(t)
	for _, d := range []string{"tk", "long"} {
		doc := w.answer("tk")
		if d == "long" {
			doc = w.long("tk")
		}
		src := w.source(t, doc)
		b := certified(t, src)
		check(t, b)
		name := save(t, b)
		for i, p := range strings.Split(run(t, "pdftotext", name, "-"), "\f") {
			if strings.Contains(p, "Tassyklaýan") {
				n := strconv.Itoa(i + 1)
				run(t, "pdftoppm", "-r", "300", "-f", n, "-l", n, "-singlefile", "-gray", "-png", name, strings.TrimSuffix(name, ".pdf"))
			}
		}
		read := strings.TrimSpace(run(t, "zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", strings.TrimSuffix(name, ".pdf")+".png"))
		if want := src.Seal.URL(portal); read != want {
			t.Errorf("%s: read %.60q, want the seal once", d, read)
		}
	}
}
