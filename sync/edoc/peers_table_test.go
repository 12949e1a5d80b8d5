package edoc_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/cms"
)

const (
	peersFile = "../spec/peers.md"
	jarFolder = "/usr/share/java"
)

// A row of the table: what we and the others say of one vector. An answer is
// "yes", "no" or another word for no; "" where the question cannot be put.
type peerRow struct {
	name   string
	expect string
	ours   bool
	unzip  string
	ossl   string
	bc     string
}

// peerCase is what the others are asked about one vector.
type peerCase struct {
	row     peerRow
	zip     []byte
	pairs   []pair // signatures with what they are over
	token   []byte
	imprint [32]byte
	at      time.Time
}

type pair struct{ content, sig []byte }

// peerCases takes the vectors apart.
func peerCases(t *testing.T) []peerCase {
	t.Helper()
	var list []peerCase
	for _, v := range vectors(t) {
		c := peerCase{row: peerRow{name: v.name, expect: v.header["expect"]}, at: now}
		if s := v.header["now"]; s != "" {
			var err error
			if c.at, err = time.Parse(time.RFC3339, s); err != nil {
				t.Fatal(err)
			}
		}
		switch v.header["kind"] {
		case "signature", "counter":
			content, err := base64.StdEncoding.DecodeString(v.header["content"])
			if err != nil {
				t.Fatal(err)
			}
			c.row.ours = strings.HasPrefix(c.row.expect, "ok")
			c.pairs = []pair{{content, v.body}}
		case "token":
			b, err := hex.DecodeString(v.header["imprint"])
			if err != nil || len(b) != 32 {
				t.Fatalf("%s: imprint %q, %v", v.name, b, err)
			}
			c.row.ours = c.row.expect == "ok"
			c.token, c.imprint = v.body, [32]byte(b)
		case "container":
			c.row.ours = strings.HasPrefix(c.row.expect, "whole yes ok, signer yes ok, revocation yes ") ||
				strings.HasPrefix(c.row.expect, "whole yes ok, signer yes ok, revocation unknown ")
			c.zip = v.body
			files, err := asic.Read(v.body)
			if err != nil {
				break // what is in it depends on who reads
			}
			c.pairs = pairsOf(files)
		default:
			continue
		}
		list = append(list, c)
		if stamp, ok := stampCase(c); ok {
			list = append(list, stamp)
		}
	}
	return list
}

// pairsOf returns each manifest with the signature of its number.
func pairsOf(files []asic.File) []pair {
	byName := map[string][]byte{}
	for _, f := range files {
		byName[f.Name] = f.Data
	}
	var list []pair
	for n := 1; byName[asic.SignatureName(n)] != nil; n++ {
		list = append(list, pair{byName[asic.ManifestName(n)], byName[asic.SignatureName(n)]})
	}
	return list
}

// stampCase asks about the time stamp in a container's first signature.
func stampCase(c peerCase) (peerCase, bool) {
	if c.zip == nil || len(c.pairs) == 0 {
		return peerCase{}, false
	}
	sd, err := cms.Parse(c.pairs[0].sig)
	if err != nil || sd.TimeStamp() == nil {
		return peerCase{}, false
	}
	_, stamp, _ := strings.Cut(c.row.expect, ", stamp ")
	s := peerCase{token: sd.TimeStamp(), imprint: sd.Imprint(), at: c.at}
	s.row = peerRow{name: c.row.name + ": time stamp", expect: stamp, ours: strings.HasPrefix(stamp, "yes")}
	return s, true
}

// ask has unzip, openssl and BouncyCastle answer.
func ask(t *testing.T, cases []peerCase) {
	t.Helper()
	w, err := readWorld(vectorsDir)
	if err != nil {
		t.Fatal(err)
	}
	dir, java := t.TempDir(), t.TempDir()
	var known []byte
	for _, c := range append(w.bundle.TSA, w.bundle.Agencies...) {
		known = append(known, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	put(t, java, "known.pem", known)
	put(t, dir, "known.pem", known)
	var trusted []byte
	for _, name := range []string{"centres.pem", "crls.pem"} {
		b, err := os.ReadFile(filepath.Join(vectorsDir, "world", name))
		if err != nil {
			t.Fatal(err)
		}
		trusted = append(trusted, b...)
		if name == "centres.pem" {
			put(t, dir, "centres.pem", b)
		}
	}
	put(t, dir, "trusted.pem", trusted)
	for i, c := range cases {
		for n, p := range c.pairs {
			base := fmt.Sprintf("%d.%d", i, n)
			put(t, java, base+".sig", p.sig)
			put(t, java, base+".content", p.content)
		}
		if c.token != nil {
			base := fmt.Sprintf("%d.0", i)
			put(t, java, base+".tok", c.token)
			put(t, java, base+".imprint", c.imprint[:])
		}
	}
	var all sync.WaitGroup
	all.Go(func() { askBouncyCastle(t, java, cases) })
	// Two at a time: they are short, and the machine has more to do.
	for half := range 2 {
		all.Go(func() {
			for i := half; i < len(cases); i += 2 {
				askOpenSSL(t, dir, java, i, &cases[i])
			}
		})
	}
	all.Wait()
}

func askOpenSSL(t *testing.T, dir, parts string, i int, c *peerCase) {
	at := strconv.FormatInt(c.at.Unix(), 10)
	part := func(n int, ext string) string { return filepath.Join(parts, fmt.Sprintf("%d.%d.%s", i, n, ext)) }
	if c.zip != nil {
		file := filepath.Join(dir, strconv.Itoa(i)+".zip")
		if err := os.WriteFile(file, c.zip, 0o600); err != nil {
			t.Error(err)
			return
		}
		c.row.unzip = "no"
		switch status(t, dir, "unzip", "-tqq", file) {
		case 0:
			c.row.unzip = "yes"
		case 1:
			c.row.unzip = "warns"
		}
	}
	for n := range c.pairs {
		c.row.ossl = worseOf(c.row.ossl, status(t, dir, "openssl", "cms", "-verify", "-cades", "-inform", "DER", "-binary", "-in", part(n, "sig"),
			"-content", part(n, "content"), "-CAfile", "trusted.pem", "-certfile", "known.pem", "-crl_check", "-attime", at, "-out", os.DevNull) == 0)
	}
	if c.token != nil {
		c.row.ossl = worseOf("", status(t, dir, "openssl", "ts", "-verify", "-token_in", "-in", part(0, "tok"), "-digest", hex.EncodeToString(c.imprint[:]),
			"-CAfile", "centres.pem", "-untrusted", "known.pem", "-attime", at) == 0)
	}
}

func worseOf(before string, yes bool) string {
	if !yes || before == "no" {
		return "no"
	}
	return "yes"
}

// status is the exit status of a program that prints nothing we want.
func status(t *testing.T, dir, name string, args ...string) int {
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Error(err)
		return -1
	}
	return cmd.ProcessState.ExitCode()
}

func askBouncyCastle(t *testing.T, dir string, cases []peerCase) {
	var path []string
	for _, jar := range bouncyCastle {
		path = append(path, filepath.Join(jarFolder, jar))
	}
	cmd := exec.CommandContext(t.Context(), "java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", strings.Join(path, ":"), "testdata/bouncycastle/Check.java", dir)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("java: %v: %s", err, complaints.Bytes())
		return
	}
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		var i, n int
		var word string
		if _, err := fmt.Sscanf(s.Text(), "%d.%d %s", &i, &n, &word); err != nil {
			t.Errorf("java says %q", s.Text())
			return
		}
		if r := &cases[i].row; r.bc == "" || r.bc == "yes" {
			r.bc = word
		}
	}
}

// bouncyCastle are the jars of Debian's libbcpkix-java.
var bouncyCastle = []string{"bcpkix.jar", "bcprov.jar", "bcutil.jar"}

// TestPeersTable has unzip, OpenSSL and BouncyCastle judge every vector that
// they can judge, and compares with the table in the spec. Where they differ
// from us the reason has been written down (peers_why_test.go); a difference
// that nobody explained fails.
func TestPeersTable(t *testing.T) { peersTable(t) }

func peersTable(t *testing.T) {
	peers(t, "unzip", "openssl", "javac")
	peerFiles(t)
	cases := peerCases(t)
	ask(t, cases)
	var b strings.Builder
	b.WriteString(peersHead)
	used := map[int]bool{}
	count := map[string]int{}
	for _, c := range cases {
		r := c.row
		why, unexplained := r.why(used)
		for _, u := range unexplained {
			t.Errorf("%s (%s): %s", r.name, r.expect, u)
		}
		for _, x := range []struct{ peer, said string }{{"unzip", r.unzip}, {"OpenSSL", r.ossl}, {"BouncyCastle", r.bc}} {
			if x.said != "" {
				count[x.peer]++
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", r.name, r.expect, dash(r.unzip), dash(r.ossl), dash(r.bc), why)
	}
	b.WriteString("\n## Why they differ\n\n")
	for i, e := range explanations {
		if !used[i] {
			t.Errorf("explanation %d (%s) explains nothing", i+1, e.text)
		}
		fmt.Fprintf(&b, "%d. %s: %s\n", i+1, e.peer, e.text)
	}
	t.Logf("asked: %v", count)
	if *update {
		if t.Failed() {
			return
		}
		if err := os.WriteFile(peersFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(peersFile)
	if err != nil {
		t.Fatal(err)
	}
	if line := firstDifference(string(want), b.String()); line != "" {
		t.Errorf("%s is not what they say now (write it again: go test ./sync/edoc -run PeersTable -update): %s", peersFile, line)
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		switch {
		case i >= len(w):
			return "new: " + g[i]
		case i >= len(g):
			return "gone: " + w[i]
		case w[i] != g[i]:
			return "was " + w[i] + " now " + g[i]
		}
	}
	return ""
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// peerFiles asks for the jars.
func peerFiles(t *testing.T) {
	t.Helper()
	for _, jar := range bouncyCastle {
		if _, err := os.Stat(filepath.Join(jarFolder, jar)); err != nil {
			if os.Getenv("PENJIRE_PEERS") == "require" {
				t.Fatalf("PEER MISSING: %v", err)
			}
			t.Skipf("PEER MISSING: %v: what BouncyCastle would have confirmed is not confirmed", err)
		}
	}
}

// An answer that differs and has no explanation is seen to be told.
func TestPeersTableCanFail(t *testing.T) {
	r := peerRow{name: "no-such-vector", expect: "ok", ours: true, ossl: "no", bc: "yes"}
	if _, unexplained := r.why(map[int]bool{}); len(unexplained) != 1 {
		t.Errorf("unexplained = %q, want OpenSSL's no", unexplained)
	}
	if firstDifference("a\nb\n", "a\nc\n") == "" || firstDifference("a\n", "a\n") != "" {
		t.Error("firstDifference does not tell tables apart")
	}
}
