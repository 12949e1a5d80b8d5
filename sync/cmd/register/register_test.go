package main

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/penjire/penjire/sync/edoc/specimen"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"register": main}) }

// TestScripts runs testdata/script. Each script finds the files of a specimen
// world: roots.pem, register.crt and .key, stranger.crt and .key (an agency's),
// bundle.json and what it names, packs/ with one service pack, and $KEYS, the
// flags of the register's key.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true, Setup: func(e *testscript.Env) error {
		w, err := specimen.New(time.Now())
		if err != nil {
			return err
		}
		second, err := w.NewDevice("K-000002")
		if err != nil {
			return err
		}
		pack, err := os.ReadFile("../../catalog/packs/complaint.json")
		if err != nil {
			return err
		}
		crt := func(i specimen.Identity) []byte { return i.CertPEM() }
		agency := w.Agencies[specimen.AgencyIDs[0]]
		files := map[string][]byte{
			"roots.pem": w.RootPEM(), "register.crt": crt(w.Register), "register.key": w.Register.KeyPEM(),
			"stranger.crt": crt(agency), "stranger.key": agency.KeyPEM(),
			"centres/citizens.crt": crt(w.Citizens), "centres/agencies.crt": crt(w.AgenciesCA), "centres/infrastructure.crt": crt(w.Infrastructure),
			"tsa.crt": crt(w.TSA), "portal.crt": crt(w.PortalReceipt), "agencies/one.crt": crt(agency),
			"kiosks/K-000001.crt": crt(w.Device.Signing), "later/K-000002.crt": crt(second.Signing),
			"packs/complaint.json": pack,
		}
		for i, der := range w.Trust().CRLs {
			files["lists/"+string(rune('a'+i))+".crl"] = pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
		}
		centres := []map[string]string{}
		for _, c := range []string{"citizens", "agencies", "infrastructure"} {
			centres = append(centres, map[string]string{
				"cert": "centres/" + c + ".crt", "kind": c, "no": "NUSGA-1", "date": "2024-01-15", "address": "NUSGA köçesi 1, Aşgabat",
				"state": "working", "since": "2024-01-15",
			})
		}
		bundle := map[string]any{
			"centres": centres, "crls": []string{"lists/*.crl"}, "tsa": []string{"tsa.crt"}, "portals": []string{"portal.crt"},
			"agencies": []string{"agencies/*.crt"}, "seal_signers": []string{"kiosks/*.crt"}, "recipients": []string{w.AgeRecipient},
		}
		if files["bundle.json"], err = json.Marshal(bundle); err != nil {
			return err
		}
		bundle["calendar"] = map[string]any{"off": []string{"sunday"}, "holidays": []string{"2026-09-27"}}
		bundle["holds"] = []map[string]any{{"cert": "kiosks/K-000001.crt", "from": "2026-06-01T08:00:00Z", "until": "2026-06-02T08:00:00Z", "order": true}}
		centres[0]["name"] = "Raýatlaryň merkezi (NUSGA)"
		if files["more.json"], err = json.Marshal(bundle); err != nil {
			return err
		}
		if err := fromPortal(w, second, files); err != nil {
			return err
		}
		for name, b := range files {
			path := filepath.Join(e.WorkDir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				return err
			}
		}
		return nil
	}})
}

// fromPortal adds what a portal hands over: the second kiosk with a list that revokes
// one, the same with a stranger's, and a later list that revokes nobody.
func fromPortal(w *specimen.World, second specimen.Device, files map[string][]byte) error {
	list := func(at time.Time, revoked ...x509.RevocationListEntry) ([]byte, error) {
		der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
			Number: big.NewInt(at.Unix()), ThisUpdate: at, NextUpdate: at.AddDate(0, 0, 30), RevokedCertificateEntries: revoked,
		}, w.Infrastructure.Cert, w.Infrastructure.Key)
		return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), err
	}
	cert := func(i specimen.Identity) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Cert.Raw})
	}
	lost, err := list(w.Made, x509.RevocationListEntry{SerialNumber: big.NewInt(4711), RevocationTime: w.Made})
	if err != nil {
		return err
	}
	none, err := list(w.Made.Add(time.Second))
	if err != nil {
		return err
	}
	other, err := specimen.New(w.Made)
	if err != nil {
		return err
	}
	files["portal/kiosks.pem"] = append(cert(second.Signing), lost...)
	files["portal/strangers.pem"] = append(cert(other.Device.Signing), lost...)
	files["portal/forgets.pem"] = none
	return nil
}
