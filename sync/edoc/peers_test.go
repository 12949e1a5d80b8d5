package edoc_test

import (
	"bytes"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

// peers asks for programs that are not ours. Where one is missing the test is
// skipped, loudly; with PENJIRE_PEERS=require it fails.
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

func run(t *testing.T, dir, name string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func put(t *testing.T, dir, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestScript has unzip, xmllint and openssl check containers by the documented
// script. Its world is of now, since openssl asks the clock.
func TestScript(t *testing.T) {
	peers(t, "sh", "unzip", "xmllint", "openssl")
	now := time.Now()
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("../spec/verify.sh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put(t, dir, "centres.pem", w.CentresPEM())
	put(t, dir, "crls.pem", w.CRLsPEM())
	signed := func(name string) *edoc.Container {
		c := card(t, w, name)
		d := request(c)
		d.Made = now.Truncate(time.Second).UTC()
		d.Consents = nil
		k, err := edoc.SignWith(d, []edoc.Attachment{{Name: "photo.png", MediaType: "image/png", Content: edoc.Bytes("PNG, perhaps")}}, c.Slots[specimen.SlotSign].Signer(), now)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	good := signed("citizen-1")
	stamped, err := good.Stamp(t.Context(), authority(t, w, now))
	if err != nil {
		t.Fatal(err)
	}
	witnessed, err := good.Cosign(w.Device.Signing.Signer(), now)
	if err != nil {
		t.Fatal(err)
	}
	countered, err := stamped.CounterSign(0, w.PortalReceipt.Signer(), now)
	if err != nil {
		t.Fatal(err)
	}
	complete, err := countered.Cosign(w.Device.Signing.Signer(), now)
	if err != nil {
		t.Fatal(err)
	}
	if complete, err = complete.Complete(w.Trust()); err != nil {
		t.Fatal(err)
	}
	// The counter-signature's own signature, with its last byte another.
	plain, err := good.CounterSign(0, w.PortalReceipt.Signer(), now)
	if err != nil {
		t.Fatal(err)
	}
	moved := bytes.Clone(plain.Signatures()[0].Bytes())
	moved[len(moved)-1] ^= 1
	other, err := signed("citizen-2").Stamp(t.Context(), authority(t, w, now))
	if err != nil {
		t.Fatal(err)
	}
	files, err := asic.Read(good.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	repack := func(name string, b []byte) []byte {
		return zipOf(nil, with(files, name, func([]byte) []byte { return b })...)
	}
	for _, tt := range []struct {
		name string
		file []byte
		code int
		says string
	}{
		{"good", good.Bytes(), 0, "whole:  document " + good.ID().String()},
		{"stamped", stamped.Bytes(), 0, "when:   stamped "},
		{"witnessed", witnessed.Bytes(), 0, "SPECIMEN Kiosk K-000001"},
		{"counter-signed", countered.Bytes(), 0, "countersigned: "},
		{"complete", complete.Bytes(), 0, "SPECIMEN Kiosk K-000001"},
		{"counter-signature of another", repack(asic.SignatureName(1), moved), 4, "counter-signature"},
		{"changed", repack("document.json", []byte("{}")), 3, "document.json is not what was signed"},
		{"attachment changed", repack("attachments/photo.png", []byte("x")), 3, "photo.png is not what was signed"},
		{"smuggled", zipOf(nil, append(files[:len(files):len(files)], asic.File{Name: "attachments/more", Data: nil})...), 3, "does not cover attachments/more"},
		{"unknown file", zipOf(nil, append(files[:len(files):len(files)], asic.File{Name: "META-INF/x", Data: nil})...), 1, "do not belong there"},
		{"signature of another", repack(asic.SignatureName(1), other.Signatures()[0].Bytes()), 4, "is not in order"},
		{"stamp of another", repack(asic.SignatureName(1), good.Signatures()[0].WithTimeStamp(other.Signatures()[0].TimeStamp()).Bytes()), 5, "time stamp"},
		{"foreign", signed("foreign").Bytes(), 4, "is not in order"},
		{"expired", signed("expired").Bytes(), 4, "is not in order"},
		{"suspended", signed("suspended").Bytes(), 4, "revoked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			put(t, dir, "doc.asice", tt.file)
			out, code := run(t, dir, "sh", script, "doc.asice", "centres.pem", "crls.pem")
			if code != tt.code || !strings.Contains(out, tt.says) {
				t.Errorf("verify.sh: status %d, want %d and %q; it says:\n%s", code, tt.code, tt.says, out)
			}
		})
	}
	// What a document carries speaks for itself, without lists.
	put(t, dir, "doc.asice", complete.Bytes())
	if out, code := run(t, dir, "sh", script, "doc.asice", "centres.pem"); code != 0 || !strings.Contains(out, "lists:  revocations as of") || !strings.Contains(out, "countersigned: ") {
		t.Errorf("verify.sh of B-LT: status %d, want 0 and the lists carried; it says:\n%s", code, out)
	}
	put(t, dir, "doc.asice", good.Bytes())
	if out, code := run(t, dir, "sh", script, "doc.asice", "centres.pem"); code != 0 || !strings.Contains(out, "nothing is known of revocations") {
		t.Errorf("verify.sh without lists: status %d, want 0 and that it says so; it says:\n%s", code, out)
	}
	if out, code := run(t, dir, "sh", script); code != 2 {
		t.Errorf("verify.sh without arguments: status %d, want 2: %s", code, out)
	}
}

// TestOpenSSLReadsOurs has openssl confirm a signature and a token of ours, and
// refuse them changed.
func TestOpenSSLReadsOurs(t *testing.T) {
	peers(t, "openssl")
	w := world(t)
	dir := t.TempDir()
	c1 := card(t, w, "citizen-1").Slots[specimen.SlotSign]
	content := []byte("what is signed")
	der, err := cms.Sign(content, c1.Signer(), now)
	if err != nil {
		t.Fatal(err)
	}
	sd, err := cms.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := authority(t, w, now).Stamp(t.Context(), sd.Imprint())
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "sig.p7s", sd.WithTimeStamp(token).Bytes())
	put(t, dir, "content", content)
	put(t, dir, "other", []byte("what is not signed"))
	put(t, dir, "centres.pem", w.CentresPEM())
	put(t, dir, "token", token)
	put(t, dir, "value", sd.Signature())
	at := strconv.FormatInt(now.Unix(), 10)
	for _, tt := range []struct {
		code int
		args string
	}{
		{0, "cms -verify -cades -inform DER -in sig.p7s -content content -binary -CAfile centres.pem -out /dev/null -attime " + at},
		{4, "cms -verify -cades -inform DER -in sig.p7s -content other -binary -CAfile centres.pem -out /dev/null -attime " + at},
		{0, "ts -verify -token_in -in token -data value -CAfile centres.pem -attime " + at},
		{1, "ts -verify -token_in -in token -data content -CAfile centres.pem -attime " + at},
	} {
		if out, code := run(t, dir, "openssl", strings.Fields(tt.args)...); code != tt.code {
			t.Errorf("openssl %s: status %d, want %d: %s", tt.args, code, tt.code, out)
		}
	}
}

// TestWeReadOpenSSL checks what openssl signs and stamps.
func TestWeReadOpenSSL(t *testing.T) {
	peers(t, "openssl")
	w, err := specimen.New(time.Now()) // openssl stamps by its own clock
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c1 := card(t, w, "citizen-1").Slots[specimen.SlotSign]
	content := []byte("what is signed")
	put(t, dir, "content", content)
	put(t, dir, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c1.Cert.Raw}))
	put(t, dir, "key.pem", c1.KeyPEM())
	if out, code := run(t, dir, "openssl", strings.Fields("cms -sign -cades -binary -in content -signer cert.pem -inkey key.pem -md sha256 -outform DER -out sig.p7s")...); code != 0 {
		t.Fatal(out)
	}
	der, err := os.ReadFile(filepath.Join(dir, "sig.p7s"))
	if err != nil {
		t.Fatal(err)
	}
	sd, err := cms.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err := sd.Verify(content); err != nil || !cert.Equal(c1.Cert) {
		t.Errorf("Verify = %v", err)
	}
	if _, err := sd.Verify([]byte("other")); err == nil {
		t.Error("Verify of other content: want an error")
	}

	put(t, dir, "tsa.pem", w.TSA.CertPEM())
	put(t, dir, "tsa.key", w.TSA.KeyPEM())
	put(t, dir, "serial", []byte("01\n"))
	put(t, dir, "tsa.cnf", []byte("[t]\nserial=serial\ncrypto_device=builtin\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256\n"+
		"ess_cert_id_alg=sha256\naccuracy=secs:1\n"))
	imprint := sd.Imprint()
	put(t, dir, "value", sd.Signature())
	for _, args := range []string{
		"ts -query -data value -sha256 -cert -out q.tsq",
		"ts -reply -queryfile q.tsq -config tsa.cnf -section t -signer tsa.pem -inkey tsa.key -out r.tsr",
		"ts -reply -in r.tsr -token_out -out r.tst",
	} {
		if out, code := run(t, dir, "openssl", strings.Fields(args)...); code != 0 {
			t.Fatalf("openssl %s: %s", args, out)
		}
	}
	token, err := os.ReadFile(filepath.Join(dir, "r.tst"))
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tsp.Parse(token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tok.Verify(imprint, w.Trust().TSA); err != nil {
		t.Errorf("Verify = %v", err)
	}
	if tok.Nonce == nil {
		t.Error("the token has no nonce")
	}
	foreignKeys(t, dir, content)
}

// foreignKeys checks signatures of the kinds of key that others' cards have.
func foreignKeys(t *testing.T, dir string, content []byte) {
	t.Helper()
	for _, tt := range []struct {
		name, newkey, sign string
		ok                 bool
	}{
		{"p384", "ec -pkeyopt ec_paramgen_curve:P-384", "-md sha384", true},
		{"p384-sha256", "ec -pkeyopt ec_paramgen_curve:P-384", "-md sha256", true},
		{"p521", "ec -pkeyopt ec_paramgen_curve:P-521", "-md sha512", false},
		{"rsa", "rsa:2048", "-md sha256", true},
		{"rsa-sha512", "rsa:2048", "-md sha512", true},
		{"rsa-4096", "rsa:4096", "-md sha384", true},
		{"rsa-too-long", "rsa:4104", "-md sha256", false},
		{"pss", "rsa:2048", "-md sha256 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:digest", true},
		{"pss-salt", "rsa:2048", "-md sha256 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:20", false},
		{"sha1", "rsa:2048", "-md sha1", false},
	} {
		for _, args := range []string{
			"req -x509 -nodes -days 2 -subj /CN=NUSGA -newkey " + tt.newkey + " -keyout k.pem -out c.pem",
			"cms -sign -cades -binary -in content -signer c.pem -inkey k.pem -outform DER -out s.p7s " + tt.sign,
		} {
			if out, code := run(t, dir, "openssl", strings.Fields(args)...); code != 0 {
				t.Fatalf("openssl %s: %s", args, out)
			}
		}
		der, err := os.ReadFile(filepath.Join(dir, "s.p7s"))
		if err != nil {
			t.Fatal(err)
		}
		sd, err := cms.Parse(der)
		if err == nil {
			_, err = sd.Verify(content)
		}
		if (err == nil) != tt.ok {
			t.Errorf("%s: got %v, want accepted %v", tt.name, err, tt.ok)
		}
	}
}
