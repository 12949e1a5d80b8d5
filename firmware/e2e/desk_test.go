package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/penjire/penjire/firmware/e2e/visitor"
)

// filed is a request as the desk's API gives it.
type filed struct {
	Doc, Code, State, Service, Agency, Kiosk string
	Verification                             struct {
		Whole, Signer, Revocation struct{ Verdict, Reason string }
	}
}

// officers sign in at the desk of the demo world; the passwords are specimens.
var officers = map[string]string{
	"civil-registry": "registry", "employment-service": "employment", "ombudsman": "ombudsman",
}

const officerPassword = "nusga"

// desk calls the desk's API as the officer of agency.
func (b *bench) desk(agency, method, path string, body any) []byte {
	b.t.Helper()
	var in bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&in).Encode(body); err != nil {
			b.t.Fatal(err)
		}
	}
	r, err := http.NewRequest(method, b.state().Portal.URL+"/api/desk/"+path, &in)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth(officers[agency], officerPassword)
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatalf("desk: %v", err)
	}
	defer func() { _ = a.Body.Close() }()
	out, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode/100 != 2 {
		b.t.Fatalf("desk: %s %s: %s, %v: %s", method, path, a.Status, err, out)
	}
	return out
}

// requests lists every agency's requests.
func (b *bench) requests() []filed {
	b.t.Helper()
	var all []filed
	for agency := range officers {
		var list struct{ Requests []filed }
		if err := json.Unmarshal(b.desk(agency, "GET", "requests", nil), &list); err != nil {
			b.t.Fatal(err)
		}
		all = append(all, list.Requests...)
	}
	return all
}

// request returns the one with that code, with the facts of its verification.
func (b *bench) request(code string) filed {
	b.t.Helper()
	code = strings.ReplaceAll(code, "·", "")
	for _, r := range b.requests() {
		if r.Code == code {
			var one filed
			if err := json.Unmarshal(b.desk(r.Agency, "GET", "requests/"+r.Doc, nil), &one); err != nil {
				b.t.Fatal(err)
			}
			return one
		}
	}
	b.t.Fatalf("no request %s at the desk", code)
	return filed{}
}

// answerAs answers, refuses or returns a request.
func (b *bench) answerAs(r filed, how, text string) {
	b.t.Helper()
	b.desk(r.Agency, "POST", "requests/"+r.Doc+"/"+how, map[string]any{"text": text})
}

// container writes the request's signed container to a file.
func (b *bench) container(r filed) string {
	b.t.Helper()
	name := filepath.Join(b.t.TempDir(), "request.asice")
	if err := os.WriteFile(name, b.desk(r.Agency, "GET", "requests/"+r.Doc+"/container", nil), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return name
}

// paper waits until the printer's last paper carries a code that zbar reads,
// and returns what the code says.
func (b *bench) paper() string {
	b.t.Helper()
	if _, err := exec.LookPath("zbarimg"); err != nil {
		b.without("zbarimg", "printed codes read by zbar")
		return ""
	}
	name, code := filepath.Join(b.t.TempDir(), "paper.png"), ""
	b.until("a code on the paper", func() bool {
		png, ok := b.try("/api/printer/paper.png")
		if !ok {
			return false
		}
		if err := os.WriteFile(name, png, 0o600); err != nil {
			b.t.Fatal(err)
		}
		out, _ := exec.Command("zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", name).Output()
		code = strings.TrimSpace(string(out))
		return code != ""
	}, func() string { return name })
	return code
}

// without says that a peer is missing: a failure where every peer is required.
func (b *bench) without(peer, what string) {
	b.t.Helper()
	if os.Getenv("PENJIRE_PEERS") == "require" {
		b.t.Fatalf("%s is required and not here: %s", peer, what)
	}
	b.t.Skipf("LEFT OUT: %s: no %s here", what, peer)
}

// penjire runs the technician's tool and returns what it said and its status.
func (b *bench) penjire(stdin string, args ...string) (string, int) {
	b.t.Helper()
	cmd := exec.Command(filepath.Join(bin, "penjire"), args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		b.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// page fetches a page of the portal as anybody.
func (b *bench) public(path string) string {
	b.t.Helper()
	r, err := http.Get(b.state().Portal.URL + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		b.t.Fatalf("GET %s: %s, %v", path, r.Status, err)
	}
	_, text := visitor.Words(string(body))
	return text
}

func describe(rs []filed) string {
	var s []string
	for _, r := range rs {
		s = append(s, fmt.Sprintf("%s %s %s", r.Code, r.Service, r.State))
	}
	return strings.Join(s, "; ")
}
