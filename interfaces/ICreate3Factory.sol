// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Create3Factory: addresses that are known before anything is deployed
/// @notice Where a contract will lie depends on this factory, on who deploys it and on a name (its salt), and on nothing
/// else: not on a nonce, not on its code, not on its constructor's arguments. So contracts that know each other can be told
/// each other's addresses in advance, and a deployment that was cut short goes on to the very same addresses.
/// @dev Holds nothing, owns nothing, has no owner. Nobody can take an address that is somebody else's: the deployer is
/// part of it.
interface ICreate3Factory {
    /// @notice A contract was deployed.
    event Deployed(address indexed deployer, bytes32 indexed salt, address deployed);

    /// @param deployed where the deployer's contract of this salt lies already
    error AlreadyDeployed(address deployed);

    /// @notice The constructor reverted, or left no code. Why is to be asked of the constructor itself.
    error ConstructorFailed(bytes32 salt);

    /// @notice Deploys `initCode` (creation code and constructor arguments) at `addressOf(msg.sender, salt)`.
    /// @dev Warning: a constructor sees as `msg.sender` a contract that exists for this call alone: owners are to be arguments.
    /// Errors: AlreadyDeployed, ConstructorFailed.
    function deploy(bytes32 salt, bytes calldata initCode) external returns (address deployed);

    /// @notice Where the deployer's contract of this salt lies, or will lie.
    function addressOf(address deployer, bytes32 salt) external view returns (address);
}
