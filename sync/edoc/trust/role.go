package trust

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/penjire/penjire/sync/citizen"
)

// arc is the root of this product's certificate policies: a UUID (ITU-T X.667),
// which needs no registration authority.
const arc = "2.25.115209281594804038685671054251041562321"

// The roles of certificates that no list names one by one: the register signs
// the lists, and kiosks are too many. Agencies, portals and time-stamping
// authorities are listed in the bundle instead.
var (
	roleDevice   = mustOID(arc + ".1")
	roleRegister = mustOID(arc + ".2")
)

// PolicyDevice and PolicyRegister are the certificate policies of a kiosk's
// signing certificate and of the register's, for whoever issues them.
func PolicyDevice() x509.OID { return roleDevice }

// PolicyRegister is described at PolicyDevice.
func PolicyRegister() x509.OID { return roleRegister }

func mustOID(s string) x509.OID {
	oid, err := x509.ParseOID(s)
	if err != nil {
		panic(err) // the identifiers are constants
	}
	return oid
}

func hasRole(cert *x509.Certificate, role x509.OID) bool {
	return slices.ContainsFunc(cert.Policies, role.Equal)
}

// The organisational units that say whose certificate it is.
const (
	UnitAgency     = "agency"
	UnitKiosk      = "kiosk"
	UnitAssistant  = "assistant"  // of a telecentre; certified like a citizen
	UnitTechnician = "technician" // of kiosks; certified like a citizen
)

// AgencyID returns the agency's id in an agency's certificate: the serial
// number of a subject of unit UnitAgency. It is "" for any other.
func AgencyID(cert *x509.Certificate) string { return unitSerial(cert, UnitAgency) }

// DeviceID returns the kiosk's id in a kiosk's certificate, the one for signing
// or the one for TLS: the serial number of a subject of unit UnitKiosk. It is
// "" for any other.
func DeviceID(cert *x509.Certificate) string { return unitSerial(cert, UnitKiosk) }

func unitSerial(cert *x509.Certificate, unit string) string {
	if Unit(cert) != unit {
		return ""
	}
	return cert.Subject.SerialNumber
}

// Unit returns the organisational unit in a certificate's subject: UnitAgency …,
// "" if there is not exactly one.
func Unit(cert *x509.Certificate) string {
	if u := cert.Subject.OrganizationalUnit; len(u) == 1 {
		return u[0]
	}
	return ""
}

// Person returns who a citizen's certificate says its holder is: serialNumber
// is the unified identifier (EG-12), with or without the "PNOTM-" of EN 319 412,
// surname the surname, givenName the name and after a space the patronymic.
func Person(cert *x509.Certificate) (citizen.Person, error) {
	id, err := citizen.ParseID(strings.TrimPrefix(cert.Subject.SerialNumber, "PNOTM-"))
	if err != nil {
		return citizen.Person{}, fmt.Errorf("trust: read the holder of a certificate: %w", err)
	}
	p := citizen.Person{ID: id}
	seen := map[string]bool{}
	for _, n := range cert.Subject.Names {
		value, ok := n.Value.(string)
		if !ok {
			continue
		}
		what := n.Type.String()
		if seen[what] && slices.Contains([]string{"2.5.4.4", "2.5.4.5", "2.5.4.42"}, what) {
			return citizen.Person{}, errors.New("trust: read the holder of a certificate: it names two")
		}
		seen[what] = true
		switch what {
		case "2.5.4.4":
			p.Surname = citizen.NewText(value)
		case "2.5.4.42":
			name, patronymic, _ := strings.Cut(value, " ")
			p.Name, p.Patronymic = citizen.NewText(name), citizen.NewText(patronymic)
		}
	}
	if p.Surname.IsZero() || p.Name.IsZero() {
		return citizen.Person{}, errors.New("trust: read the holder of a certificate: it names no surname or no name")
	}
	return p, nil
}

// Name returns how to show the holder of a certificate: its common name.
// A citizen's is personal data.
func Name(cert *x509.Certificate) citizen.Text { return citizen.NewText(cert.Subject.CommonName) }
