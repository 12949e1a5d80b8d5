// Package e2e holds the tests of the whole product: real processes of portal
// and kiosk, emulated devices at the far ends of real lines, a citizen's hands
// through the bench's JSON API and through a browser. Each promise of the
// design (DESIGN 1) is a test that carries its name.
//
// The package holds no product code and is imported by nothing.
package e2e
