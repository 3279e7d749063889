// Every call of the API but the list of them.
#pragma once

#include "api/api.h"

namespace twobox {

Routes make_routes(const Backstage& backstage);

}  // namespace twobox
