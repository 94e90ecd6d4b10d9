from typing import Any

import numpy as np
import numpy.typing as npt

def copy(target: npt.NDArray[np.generic], source: npt.NDArray[Any]) -> None: ...
