// SPDX-License-Identifier: Apache-2.0
// cpp-httplib, with a deadline for a request to arrive whole: its own time-outs begin anew with every byte, so that a
// client which sends a byte now and then would hold a thread for ever. The program defines recv() itself
// (connections.cc), which cpp-httplib then calls; it fails with ETIMEDOUT once the thread's deadline has passed. With
// TLS the bytes come another way: there the deadline holds for the body only.
#pragma once

#include <chrono>

#include <httplib.h>

namespace dotori::edge {

// Of the connection that this thread serves.
void set_deadline(std::chrono::steady_clock::time_point deadline);
bool deadline_passed();

}  // namespace dotori::edge
