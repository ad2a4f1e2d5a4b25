// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include "tests/unit/eal_for_tests.h"

namespace vethway::test {

// Initialises EAL in the first test that asks, for the whole process: it can't be done twice.
class EalTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        static const int kResult = init_eal();
        ASSERT_GE(kResult, 0) << "rte_eal_init failed";
    }
};

}  // namespace vethway::test
