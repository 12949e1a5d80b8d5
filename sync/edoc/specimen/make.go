package specimen

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// country and organisation of every subject.
func subject(cn string) pkix.Name {
	return pkix.Name{Country: []string{"TM"}, Organization: []string{"SPECIMEN"}, CommonName: cn}
}

// leaf is the template of a certificate in force from 30 days ago for two years.
func (w *World) leaf(name pkix.Name, usage x509.KeyUsage) *x509.Certificate {
	return &x509.Certificate{
		Subject: name, KeyUsage: usage, BasicConstraintsValid: true,
		NotBefore: w.Made.AddDate(0, 0, -30), NotAfter: w.Made.AddDate(2, 0, 0),
	}
}

// binding is the key usage of signatures that bind; it does without
// digitalSignature, so that nothing can be signed for by logging in.
const binding = x509.KeyUsageContentCommitment

func (w *World) centre(cn string, ca Identity) (Identity, error) {
	return issue(&x509.Certificate{
		Subject: subject(cn), IsCA: true, BasicConstraintsValid: true,
		KeyUsage:  x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		NotBefore: w.Made.AddDate(-5, 0, 0), NotAfter: w.Made.AddDate(15, 0, 0),
	}, ca)
}

func (w *World) makeCentres() (err error) {
	if w.Root, err = w.centre("SPECIMEN Root", Identity{}); err != nil {
		return err
	}
	for _, c := range []struct {
		cn string
		to *Identity
	}{
		{"SPECIMEN Centre for citizens", &w.Citizens},
		{"SPECIMEN Centre for agencies", &w.AgenciesCA},
		{"SPECIMEN Centre for infrastructure", &w.Infrastructure},
	} {
		if *c.to, err = w.centre(c.cn, w.Root); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) makePortal() (err error) {
	if w.PortalTLS, err = issue(w.server("portal.specimen"), w.Infrastructure); err != nil {
		return err
	}
	if w.PortalReceipt, err = issue(w.leaf(subject("SPECIMEN Portal"), binding), w.Infrastructure); err != nil {
		return err
	}
	t := w.leaf(subject("SPECIMEN Register"), binding)
	t.Policies = []x509.OID{trust.PolicyRegister()}
	if w.Register, err = issue(t, w.Infrastructure); err != nil {
		return err
	}
	t = w.leaf(subject("SPECIMEN Time stamps"), binding|x509.KeyUsageDigitalSignature)
	// Critical, as RFC 3161 wants it, and as crypto/x509 does not write it:
	// SEQUENCE { OID 1.3.6.1.5.5.7.3.8 }.
	t.ExtraExtensions = []pkix.Extension{{
		Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true,
		Value: []byte{0x30, 0x0a, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8},
	}}
	w.TSA, err = issue(t, w.Infrastructure)
	return err
}

// server is the certificate that a portal of that name shows.
func (w *World) server(host string) *x509.Certificate {
	t := w.leaf(subject(host), x509.KeyUsageDigitalSignature)
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	t.DNSNames = []string{"localhost", host}
	t.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	return t
}

// agencyNames are the common names of the agencies' certificates.
var agencyNames = map[string]string{
	"civil-registry":     "NUSGA Raýat ýagdaýynyň namalarynyň ýazgysy bölümi",
	"employment-service": "NUSGA Iş bilen üpjünçilik gullugy",
	"ombudsman":          "NUSGA Ombudsmeniň diwany",
}

func (w *World) makeAgencies() error {
	for _, id := range AgencyIDs {
		name := subject(agencyNames[id])
		name.OrganizationalUnit, name.SerialNumber = []string{trust.UnitAgency}, id
		a, err := issue(w.leaf(name, binding), w.AgenciesCA)
		if err != nil {
			return err
		}
		w.Agencies[id] = a
	}
	return nil
}

func (w *World) makeFirstDevice() (err error) {
	w.Device, err = w.makeDevice("K-000001")
	w.devices = []Device{w.Device}
	return err
}

func (w *World) makeDevice(id string) (Device, error) {
	name := subject("SPECIMEN Kiosk " + id)
	name.OrganizationalUnit, name.SerialNumber = []string{trust.UnitKiosk}, id
	t := w.leaf(name, x509.KeyUsageDigitalSignature)
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	t.Policies = []x509.OID{trust.PolicySoftwareKey()} // they are written into files
	d := Device{ID: id}
	var err error
	if d.TLS, err = issue(t, w.Infrastructure); err != nil {
		return Device{}, err
	}
	t = w.leaf(name, binding)
	t.Policies = []x509.OID{trust.PolicyDevice(), trust.PolicySoftwareKey()}
	d.Signing, err = issue(t, w.Infrastructure)
	return d, err
}

// CardNames are the cards of every world.
var CardNames = []string{"citizen-1", "citizen-2", "citizen-3", "assistant", "technician", "foreign", "expired", "suspended"}

// holders are in the order of CardNames: surname, name, patronymic.
var holders = [][3]string{
	{"Nusgaýewa", "Aýna", "Nusgaýewna"},
	{"Mysalow", "Merdan", "Mysalowiç"},
	{"Görkezmeýewa", "Ogulgerek", "Görkezmeýewna"},
	{"Kömekçiýew", "Döwran", "Nusgaýewiç"},
	{"Ussaýew", "Şatlyk", "Nusgaýewiç"},
	{"Daşarow", "Leýli", "Nusgaýewna"},
	{"Möhletow", "Begenç", "Nusgaýewiç"},
	{"Saklanow", "Arslan", "Nusgaýewiç"},
}

func (w *World) makeCards() error {
	stranger, err := w.centre("SPECIMEN Centre of strangers", Identity{})
	if err != nil {
		return err
	}
	for i, name := range CardNames {
		ca, unit, until := w.Citizens, "", time.Time{}
		switch name {
		case "assistant":
			unit = trust.UnitAssistant
		case "technician":
			unit = trust.UnitTechnician
		case "foreign":
			ca = stranger
		case "expired":
			until = w.Made.AddDate(0, 0, -40)
		}
		c, err := w.makeCard(name, fmt.Sprintf("NUSGA%05d", i+1), unit, holders[i], ca, until)
		if err != nil {
			return err
		}
		if name == "suspended" {
			for _, s := range c.Slots {
				w.revoke(s.Cert, w.Made.Add(-24*time.Hour), true)
			}
		}
		w.Cards = append(w.Cards, c)
	}
	return nil
}

func (w *World) makeCard(name, id, unit string, h [3]string, ca Identity, until time.Time) (Card, error) {
	pid, err := citizen.ParseID(id)
	if err != nil {
		return Card{}, err
	}
	c := Card{
		Name: name, PIN: "123456", PUK: "12345678", Slots: map[byte]Identity{},
		Holder: citizen.Person{
			ID: pid, Surname: citizen.NewText(h[0]), Name: citizen.NewText(h[1]), Patronymic: citizen.NewText(h[2]),
		},
	}
	who := subject(h[0] + " " + h[1] + " (NUSGA)")
	who.SerialNumber = id
	if unit != "" {
		who.OrganizationalUnit = []string{unit}
	}
	who.ExtraNames = []pkix.AttributeTypeAndValue{
		{Type: asn1.ObjectIdentifier{2, 5, 4, 4}, Value: h[0]},
		{Type: asn1.ObjectIdentifier{2, 5, 4, 42}, Value: h[1] + " " + h[2]},
	}
	for slot, usage := range map[byte]x509.KeyUsage{
		SlotAuth: x509.KeyUsageDigitalSignature,
		SlotSign: binding,
		SlotKey:  x509.KeyUsageKeyAgreement,
		SlotCard: x509.KeyUsageDigitalSignature,
	} {
		t := w.leaf(who, usage)
		if slot == SlotAuth {
			t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}
		if !until.IsZero() {
			t.NotBefore, t.NotAfter = until.AddDate(-2, 0, 0), until
		}
		if c.Slots[slot], err = issue(t, ca); err != nil {
			return Card{}, err
		}
	}
	return c, nil
}
