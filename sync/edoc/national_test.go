package edoc_test

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// brainpoolP256r1 (RFC 5639 3.4) is a curve that crypto/x509 does not read, as
// a state's own would be. This is arithmetic for checking in a test: it is slow
// and not in constant time, which checking does not need.
var brainpool = struct{ p, a, b, n, gx, gy *big.Int }{
	hexInt("A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377"),
	hexInt("7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9"),
	hexInt("26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6"),
	hexInt("A9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7"),
	hexInt("8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262"),
	hexInt("547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997"),
}

func hexInt(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic(s)
	}
	return n
}

// bpPoint is a point of the curve; x is nil at infinity.
type bpPoint struct{ x, y *big.Int }

func (p bpPoint) plus(q bpPoint) bpPoint {
	c := brainpool
	if p.x == nil {
		return q
	}
	if q.x == nil {
		return p
	}
	var num, den big.Int
	if p.x.Cmp(q.x) == 0 {
		if num.Add(p.y, q.y).Mod(&num, c.p).Sign() == 0 {
			return bpPoint{}
		}
		num.Mul(p.x, p.x).Mul(&num, big.NewInt(3)).Add(&num, c.a)
		den.Lsh(p.y, 1)
	} else {
		num.Sub(q.y, p.y)
		den.Sub(q.x, p.x)
	}
	den.Mod(&den, c.p).ModInverse(&den, c.p)
	slope := num.Mul(&num, &den).Mod(&num, c.p)
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, p.x).Sub(x, q.x).Mod(x, c.p)
	y := new(big.Int).Sub(p.x, x)
	y.Mul(y, slope).Sub(y, p.y).Mod(y, c.p)
	return bpPoint{x, y}
}

func (p bpPoint) times(k *big.Int) bpPoint {
	var sum bpPoint
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = sum.plus(sum)
		if k.Bit(i) == 1 {
			sum = sum.plus(p)
		}
	}
	return sum
}

func (p bpPoint) onCurve() bool {
	c := brainpool
	var left, right big.Int
	left.Mul(p.y, p.y).Mod(&left, c.p)
	right.Mul(p.x, p.x).Add(&right, c.a).Mul(&right, p.x).Add(&right, c.b).Mod(&right, c.p)
	return p.x.Cmp(c.p) < 0 && p.y.Cmp(c.p) < 0 && left.Cmp(&right) == 0
}

// parseBrainpool reads the SubjectPublicKeyInfo of a key on the curve, and of
// no other.
func parseBrainpool(spki []byte) (crypto.PublicKey, error) {
	in := cryptobyte.String(spki)
	var seq, alg cryptobyte.String
	var key, curve asn1.ObjectIdentifier
	var point []byte
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1(&alg, cbasn1.SEQUENCE) ||
		!alg.ReadASN1ObjectIdentifier(&key) || !key.Equal(asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}) ||
		!alg.ReadASN1ObjectIdentifier(&curve) || !curve.Equal(asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1, 7}) || !alg.Empty() ||
		!seq.ReadASN1BitStringAsBytes(&point) || !seq.Empty() || len(point) != 65 || point[0] != 4 {
		return nil, errors.New("no key on brainpoolP256r1")
	}
	p := bpPoint{new(big.Int).SetBytes(point[1:33]), new(big.Int).SetBytes(point[33:])}
	if !p.onCurve() {
		return nil, errors.New("the point is not on the curve")
	}
	return p, nil
}

func verifyBrainpool(pub crypto.PublicKey, params, digest, sig []byte) error {
	key, ok := pub.(bpPoint)
	if !ok {
		return cms.ErrKey
	}
	var r, s, u1, u2 big.Int
	in := cryptobyte.String(sig)
	var seq cryptobyte.String
	if params != nil || !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() ||
		!seq.ReadASN1Integer(&r) || !seq.ReadASN1Integer(&s) || !seq.Empty() {
		return errors.New("the signature is malformed")
	}
	c := brainpool
	if r.Sign() <= 0 || r.Cmp(c.n) >= 0 || s.Sign() <= 0 || s.Cmp(c.n) >= 0 {
		return errors.New("the signature is out of range")
	}
	s.ModInverse(&s, c.n)
	u1.SetBytes(digest).Mul(&u1, &s).Mod(&u1, c.n)
	u2.Mul(&r, &s).Mod(&u2, c.n)
	p := bpPoint{c.gx, c.gy}.times(&u1).plus(key.times(&u2))
	if p.x == nil || new(big.Int).Mod(p.x, c.n).Cmp(&r) != 0 {
		return errors.New("the signature does not fit")
	}
	return nil
}

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
