package edoc_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// registerBrainpool adds the algorithm, once in the process.
var registerBrainpool = sync.OnceValue(func() error {
	return cms.Register(cms.Algorithm{
		Name: "ECDSA on brainpoolP256r1 with SHA-256", Digest: cms.OIDSHA256,
		Signature: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2},
		New:       sha256.New, Verify: verifyBrainpool, ParseKey: parseBrainpool,
	})
})

// brainpoolWorld has openssl make a centre, a holder's certificate, a signature
// over content and a revocation list, all on the curve.
func brainpoolWorld(t *testing.T, dir string, content []byte) {
	t.Helper()
	put(t, dir, "content", content)
	put(t, dir, "ca.cnf", []byte("[ca]\ndefault_ca=c\n[c]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=30\n"))
	put(t, dir, "index", nil)
	put(t, dir, "number", []byte("01\n"))
	for _, args := range []string{
		"req -x509 -nodes -days 30 -subj /CN=NUSGA-centre -newkey ec -pkeyopt ec_paramgen_curve:brainpoolP256r1 -keyout ca.key -out ca.pem -addext keyUsage=critical,keyCertSign,cRLSign",
		"req -x509 -nodes -days 2 -subj /C=TM/O=SPECIMEN/serialNumber=NUSGA77777/SN=Nusgayew/GN=Nusga/CN=NUSGA -newkey ec -pkeyopt ec_paramgen_curve:brainpoolP256r1 -keyout k.pem -out c.pem -CA ca.pem -CAkey ca.key -addext basicConstraints=CA:FALSE -addext keyUsage=critical,nonRepudiation",
		"cms -sign -cades -binary -in content -signer c.pem -inkey k.pem -md sha256 -outform DER -out s.p7s",
		"ca -gencrl -config ca.cnf -cert ca.pem -keyfile ca.key -out list.pem",
	} {
		if out, code := run(t, dir, "openssl", strings.Fields(args)...); code != 0 {
			t.Fatalf("openssl %s: %s", args, out)
		}
	}
}

func readPEM(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		t.Fatalf("%s holds no PEM", name)
	}
	return block.Bytes
}

// TestNationalAlgorithm adds an algorithm whose keys crypto/x509 does not read,
// and has it check what openssl made: a signature, a certificate's issuer, a
// revocation list.
func TestNationalAlgorithm(t *testing.T) {
	peers(t, "openssl")
	dir := t.TempDir()
	content := []byte("what is signed")
	brainpoolWorld(t, dir, content)
	der, err := os.ReadFile(filepath.Join(dir, "s.p7s"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x509.ParseCertificate(readPEM(t, dir, "c.pem")); err == nil {
		t.Error("crypto/x509 reads the key: this tests nothing")
	}
	if err := registerBrainpool(); err != nil {
		t.Fatal(err)
	}
	sd, err := cms.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := sd.Verify(content)
	if err != nil {
		t.Fatal(err)
	}
	if cert.Subject.CommonName != "NUSGA" || string(cert.Raw) != string(readPEM(t, dir, "c.pem")) {
		t.Error("the certificate was not read as it is")
	}
	if _, err := sd.Verify([]byte("what is not signed")); err == nil {
		t.Error("Verify of other content: want an error")
	}
	der[len(der)-1] ^= 1
	if sd, err := cms.Parse(der); err == nil {
		if _, err := sd.Verify(content); err == nil {
			t.Error("Verify of a changed signature: want an error")
		}
	}

	centre, err := cms.ParseCertificate(readPEM(t, dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := cms.CheckIssued(cert, centre); err != nil {
		t.Errorf("CheckIssued = %v", err)
	}
	if err := cms.CheckIssued(centre, cert); err == nil {
		t.Error("CheckIssued by a certificate that is no centre's: want an error")
	}
	changed := *cert
	changed.Raw = append([]byte{}, cert.Raw...)
	changed.Raw[60] ^= 1
	if err := cms.CheckIssued(&changed, centre); err == nil {
		t.Error("CheckIssued of a changed certificate: want an error")
	}
	if err := cms.CheckKey(cert); err != nil {
		t.Errorf("CheckKey = %v", err)
	}
	list, err := x509.ParseRevocationList(readPEM(t, dir, "list.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := cms.CheckList(list, centre); err != nil {
		t.Errorf("CheckList = %v", err)
	}
	if err := cms.CheckList(list, cert); err == nil {
		t.Error("CheckList by a certificate that is no centre's: want an error")
	}
	// What was accepted before still is, and by its own algorithm.
	c1 := card(t, world(t), "citizen-1").Slots[0x9C]
	ours, err := cms.Make(content, c1.Signer(), now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ours.Verify(content); err != nil {
		t.Errorf("Verify of a P-256 signature = %v", err)
	}
	if err := cms.CheckIssued(c1.Cert, centre); err == nil {
		t.Error("CheckIssued across kinds of key: want an error")
	}
}

// TestNationalCitizen has a citizen whose card and centre use the curve ask for
// a service, with openssl as his card: the whole verifier takes it, with the
// centre in the bundle and its list, and not without.
func TestNationalCitizen(t *testing.T) {
	peers(t, "openssl")
	if err := registerBrainpool(); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second) // openssl asks the clock
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	c1 := card(t, w, "citizen-1")
	d := request(c1)
	d.Made, d.Consents = now.UTC(), nil
	if d.Sender.ID, err = citizen.ParseID("NUSGA77777"); err != nil {
		t.Fatal(err)
	}
	d.Sender.Surname, d.Sender.Name, d.Sender.Patronymic = citizen.NewText("Nusgayew"), citizen.NewText("Nusga"), citizen.Text{}
	ours, err := edoc.Sign(d, c1.Slots[specimen.SlotSign].Signer(), now)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	brainpoolWorld(t, dir, ours.Manifest())
	p7s, err := os.ReadFile(filepath.Join(dir, "s.p7s"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := asic.Read(ours.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	c, err := edoc.Parse(zipOf(nil, with(files, asic.SignatureName(1), func([]byte) []byte { return p7s })...))
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Verify(w.Trust(), time.Now()); r.Whole.Verdict != edoc.Yes || r.Signer != (edoc.Finding{Verdict: edoc.No, Reason: trust.ReasonForeign}) {
		t.Errorf("with a bundle that does not list the centre: whole %v, signer %v", r.Whole, r.Signer)
	}
	centre, err := cms.ParseCertificate(readPEM(t, dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	b := &trust.Bundle{
		Version: 9, Issued: now, CRLs: [][]byte{readPEM(t, dir, "list.pem")},
		Centres: []trust.Centre{{Cert: centre, Kind: trust.KindCitizens, State: trust.Working, Since: now.AddDate(-1, 0, 0)}},
	}
	r := c.Verify(b, time.Now())
	if !r.Accepted() || r.Revocation.Verdict != edoc.Yes {
		t.Errorf("with the centre and its list: whole %v, signer %v, revocation %v", r.Whole, r.Signer, r.Revocation)
	}
}
