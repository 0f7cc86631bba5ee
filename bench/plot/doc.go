// Package plot draws numbers as SVG that stands in a page by itself: no script, no font, no file.
//
// Invariants:
//
//  1. Every text is escaped; every number is finite or left out.
//  2. The same numbers give the same drawing.
//  3. Each mark has a title, so that a pointer over it shows what it stands for.
package plot
