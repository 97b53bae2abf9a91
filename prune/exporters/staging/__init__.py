"""An export in the making: built beside its place, renamed into it when it is whole."""
