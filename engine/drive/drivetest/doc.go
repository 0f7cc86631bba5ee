// Package drivetest is the conformance suite of package drive: what every Drive must do,
// whatever it is made of.
//
// It does not test what is on a disk; that is for the tests of an implementation.
package drivetest
