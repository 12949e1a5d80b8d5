// Package archtest keeps the shape of the repository: a star on common ground.
// Its tests read every Go file of the module and fail on an import that leads
// the wrong way, with the whole chain that leads there (DESIGN 2; ADR 0001).
//
// The package holds no product code and is imported by nothing.
package archtest
