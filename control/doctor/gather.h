// SPDX-License-Identifier: Apache-2.0
// Looks: at the machine and at the kernel's interfaces, in the network namespace and with the
// capabilities of the calling thread. Any thread but the workers'; takes milliseconds to tens of
// them.
#pragma once

#include "control/doctor/facts.h"
#include "control/doctor/subject.h"

namespace vethway::doctor {

// What can't be read is left at its default: a doctor that fails helps nobody.
Facts gather(const Subject& subject);

// Its parts.
Trials try_kernel();             // control thread, if there is one: see running_subject()
MachineFacts look_at_machine();  // without trials, workers, and hugepages.wanted, .mode, .used
bool is_isolated(unsigned cpu);
std::string governor_of(unsigned cpu);
// Of the interface `port.netdev`, if there is one, and of the other end of its cable. The thread is
// in the interface's network namespace meanwhile.
void look_at_interface(PortFacts& port);

}  // namespace vethway::doctor
