package main

func check([]string) int { return 2 }
