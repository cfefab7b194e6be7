// A Jupyter notebook (nbformat 4) as text: its cells with their kind, source and outputs.
#pragma once

#include "guests/sdk/sdk.h"

namespace boxagnts::guest {

struct Notebook {
  bool valid = false;
  std::uint64_t cells = 0;
  Text language;  // as its kernel says, in a word; may be ""
};

// Puts the notebook in `json` into `view`, in whole lines. When it is none, what was put means
// nothing. `view` must be empty.
Notebook put_notebook(Text json, Output& view);

}  // namespace boxagnts::guest
