from typing import Any

import numpy as np
import numpy.typing as npt

def copy(target: npt.NDArray[Any], source: npt.NDArray[Any]) -> None: ...
def within_unit(samples: npt.NDArray[np.float32]) -> bool: ...
