// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title A contract in two parts: what it does not implement itself, another does in its storage
/// @dev OpenZeppelin's Proxy does the same over the compiler's own scratch memory; this one stays clear of it, so that the
/// optimiser may move variables of the whole contract to memory.
abstract contract Delegating {
    /// @dev The second part, for ever.
    function _secondPart() internal view virtual returns (address);

    fallback() external {
        _delegate();
    }

    /// @dev Hands the call on as it came, and answers what comes back. Does not return.
    function _delegate() internal {
        address part = _secondPart();
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let data := mload(64)
            calldatacopy(data, 0, calldatasize())
            let ok := delegatecall(gas(), part, data, calldatasize(), 0, 0)
            returndatacopy(data, 0, returndatasize())
            if iszero(ok) { revert(data, returndatasize()) }
            return(data, returndatasize())
        }
    }
}
