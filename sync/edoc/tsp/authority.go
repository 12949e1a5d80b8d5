package tsp

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/penjire/penjire/sync/edoc/cms"
)

// The media types of RFC 3161 3.4.
const (
	queryType = "application/timestamp-query"
	replyType = "application/timestamp-reply"
)

// maxMessage is the longest query or reply read.
const maxMessage = 64 << 10

// Status and failure codes of RFC 3161 2.4.2.
const (
	statusGranted         = 0
	statusGrantedWithMods = 1
	statusRejection       = 2
	failBadAlg            = 0
	failBadFormat         = 5
	failSystem            = 25
)

// Policy is the policy of [Authority]: an arc of this product's.
const Policy = "2.25.115209281594804038685671054251041562321.10"

// Authority is a time-stamping authority: an http.Handler for RFC 3161 over
// HTTP, and a Stamper for who is in the same process. It keeps nothing. Its
// times are whole seconds of its clock.
type Authority struct {
	signer cms.Signer
	now    func() time.Time
	policy []byte // content of the OID in DER
}

var (
	_ Stamper      = (*Authority)(nil)
	_ http.Handler = (*Authority)(nil)
)

// NewAuthority returns an authority that signs with s, whose certificate must
// be for time stamps ([IsTSA]). A nil now is time.Now.
func NewAuthority(s cms.Signer, now func() time.Time) (*Authority, error) {
	if s.Cert == nil || !IsTSA(s.Cert) {
		return nil, errors.New("tsp: new authority: the certificate is not for time stamps alone, critically")
	}
	if now == nil {
		now = time.Now
	}
	oid, err := x509.ParseOID(Policy)
	if err != nil {
		return nil, fmt.Errorf("tsp: new authority: %w", err)
	}
	policy, err := oid.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("tsp: new authority: %w", err)
	}
	// The token names its signer; the centres above it are in trust bundles.
	return &Authority{cms.Signer{Key: s.Key, Cert: s.Cert}, now, policy}, nil
}

// Stamp implements Stamper.
func (a *Authority) Stamp(_ context.Context, imprint [32]byte) ([]byte, time.Time, error) {
	return a.stamp(imprint[:], nil)
}

func (a *Authority) stamp(imprint []byte, nonce *big.Int) ([]byte, time.Time, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("tsp: stamp: %w", err)
	}
	at := a.now().UTC().Truncate(time.Second)
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(a.policy) })
		addImprint(b, imprint)
		b.AddASN1BigInt(serial)
		b.AddASN1GeneralizedTime(at)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(1) }) // accurate to a second
		if nonce != nil {
			b.AddASN1BigInt(nonce)
		}
	})
	info, err := b.Bytes()
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("tsp: stamp: %w", err)
	}
	token, err := cms.SignAttached(cms.OIDTSTInfo, info, a.signer)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("tsp: stamp: %w", err)
	}
	return token, at, nil
}

func addImprint(b *cryptobyte.Builder, sum []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(cms.OIDSHA256) })
		b.AddASN1OctetString(sum)
	})
}

// ServeHTTP implements http.Handler. The certificate is always in the token,
// asked for or not.
func (a *Authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != queryType {
		http.Error(w, "want a POST of "+queryType, http.StatusUnsupportedMediaType)
		return
	}
	query, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err != nil {
		http.Error(w, "the query cannot be read", http.StatusBadRequest)
		return
	}
	reply, err := a.answer(query)
	if err != nil {
		http.Error(w, "the reply cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", replyType)
	_, _ = w.Write(reply) // a client that is gone is told nothing
}

func (a *Authority) answer(query []byte) ([]byte, error) {
	imprint, nonce, fail := readQuery(query)
	if fail >= 0 {
		return writeReply(statusRejection, fail, nil)
	}
	token, _, err := a.stamp(imprint, nonce)
	if err != nil {
		return writeReply(statusRejection, failSystem, nil)
	}
	return writeReply(statusGranted, -1, token)
}

// readQuery reads a TimeStampReq. fail is -1, or why it is refused.
func readQuery(der []byte) (imprint []byte, nonce *big.Int, fail int) {
	in := cryptobyte.String(der)
	var req, mi cryptobyte.String
	var version int
	if !in.ReadASN1(&req, cbasn1.SEQUENCE) || !in.Empty() || !req.ReadASN1Integer(&version) || version != 1 ||
		!req.ReadASN1(&mi, cbasn1.SEQUENCE) {
		return nil, nil, failBadFormat
	}
	if !readImprint(&mi, &imprint) {
		return nil, nil, failBadAlg
	}
	if !req.SkipOptionalASN1(cbasn1.OBJECT_IDENTIFIER) {
		return nil, nil, failBadFormat
	}
	if req.PeekASN1Tag(cbasn1.INTEGER) {
		nonce = new(big.Int)
		if !req.ReadASN1Integer(nonce) || nonce.BitLen() > 256 {
			return nil, nil, failBadFormat
		}
	}
	if !req.SkipOptionalASN1(cbasn1.BOOLEAN) || !req.Empty() {
		return nil, nil, failBadFormat // extensions are not spoken
	}
	return imprint, nonce, -1
}

func writeReply(status, fail int, token []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(int64(status))
			if fail >= 0 {
				// A named bit list: up to its last bit that is set.
				bits := make([]byte, fail/8+1)
				bits[fail/8] = 0x80 >> (fail % 8)
				b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
					b.AddUint8(uint8(7 - fail%8))
					b.AddBytes(bits)
				})
			}
		})
		b.AddBytes(token)
	})
	return b.Bytes()
}
